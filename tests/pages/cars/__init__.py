"""The cars page, without a browser, with a stand-in for the network: whatever is red is car."""
