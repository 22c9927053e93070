"""From the bundle to the Hub: files, checks, model card, one commit; and the app as a Space."""
