"""The review room: where staff look at restorations, decide region by region, and sign off."""
