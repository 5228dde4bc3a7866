// The study page of the researcher: copies links, asks before replacing one, keeps the progress up to date.

const REFRESH_MS = 5000;
const live = document.getElementById("live");

live.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (button?.hasAttribute("data-copy")) {
    await copy(button);
  } else if (button?.dataset.confirm && button.dataset.asked !== "yes") {
    event.preventDefault();
    button.dataset.asked = "yes";
    button.textContent = "Replace it";
    button.insertAdjacentText("afterend", ` ${button.dataset.confirm}`);
  }
});

async function copy(button) {
  const field = button.previousElementSibling;
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
  } catch {
    // Without HTTPS there is no clipboard; the link is selected, ready for the keyboard.
    button.textContent = "Press Ctrl+C";
  }
}

async function refresh() {
  // What the researcher is doing in the table must not vanish under the hand.
  if (document.hidden || live.contains(document.activeElement)) {
    return;
  }
  try {
    const reply = await fetch(live.dataset.url, { redirect: "error" });
    if (reply.ok) {
      live.innerHTML = await reply.text();
    }
  } catch {
    // The server is away or the sign-in has ended: the next try, or a reload of the page, tells.
  }
}

setInterval(refresh, REFRESH_MS);
