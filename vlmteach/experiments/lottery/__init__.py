"""The ladder lottery: no cell tells the answer. Do words that read a local grid still find it?"""

from vlmteach.experiments.lottery.readers import READERS, Question, Reader, build_reader
from vlmteach.experiments.lottery.results import LotteryResults, guess_by_length, load_results

__all__ = ["READERS", "LotteryResults", "Question", "Reader", "build_reader", "guess_by_length", "load_results"]
