"""An observer over HTTP: plays a session as the trial page does."""

from collections.abc import Callable


class Player:
    """Drives one session. `client` is Flask's test client or anything with its get/post/put."""

    def __init__(self, client, url: str):
        self.client, self.url = client, url
        self.state: dict = {}

    def begin(self) -> dict:
        """Consent, profile, instructions; then the trials' state."""
        self.client.post(f"{self.url}/consent", data={"agree": "yes"})
        self.client.post(f"{self.url}/profile", data={"role": "general", "specialty": "Endodontics", "years": "12"})
        self.client.post(f"{self.url}/start", data={"display": '{"pixel_ratio": 2}'})
        return self.load()

    def load(self) -> dict:
        """What the trial page asks when it opens."""
        self.state = self.client.get(f"{self.url}/state").get_json()
        return self.state

    @property
    def current(self) -> dict:
        return self.state["current"]

    def show(self):
        return self.client.post(
            f"{self.url}/trials/{self.current['trial']}/shown", json={"ticket": self.current["ticket"]}
        )

    def rate(self, rating: object, trial: int | None = None, **body):
        """Send a rating of the current trial; on success its reply is the new state."""
        index = self.current["trial"] if trial is None else trial
        reply = self.client.put(
            f"{self.url}/trials/{index}", json={"ticket": self.current["ticket"], "rating": rating, **body}
        )
        if reply.status_code == 200:
            self.state = reply.get_json()
        return reply

    def play(self, choose: Callable[[dict], int]) -> list[tuple[dict, int]]:
        """Rate everything that is left, by `choose(trial)`; what was shown and rated, in order."""
        played = []
        while self.current:
            trial = self.current
            rating = choose(trial)
            self.show()
            reply = self.rate(rating, measures={"submitted_ms": 5000.0, "visible_ms": 5000.0})
            assert reply.status_code == 200, reply.get_json()
            played.append((trial, rating))
        return played
