"""Two dotted squares, and the marker says which: is it enough that a colour arrives?"""

from vlmteach.experiments.two_squares.encoders import PLAYERS, Player, build_player
from vlmteach.experiments.two_squares.results import TwoSquaresResults, load_results

__all__ = ["PLAYERS", "Player", "TwoSquaresResults", "build_player", "load_results"]
