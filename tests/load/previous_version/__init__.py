"""A dataset and working folders that the previous version left behind, and the API behind them."""
