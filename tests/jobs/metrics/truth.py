"""The arithmetic of the story of metrics, by which tests of the calculations judge as well."""

from bot.cli.stories.sums import SALES, Arithmetic, Days, Side, Truth

__all__ = ["SALES", "Arithmetic", "Days", "Side", "Truth"]
