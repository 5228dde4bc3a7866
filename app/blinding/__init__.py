"""Blinding: what makes study images alike before they are encoded, and the audit that looks for what still tells."""
