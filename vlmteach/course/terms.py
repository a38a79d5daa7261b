"""The course's terms in English and Japanese."""

from __future__ import annotations

from vlmteach.language import N_
from vlmteach.views.ledger import GlossaryView

TERMS = (
    ("vision-language model (VLM)", "画像言語モデル", N_("answers a question about a picture in words")),
    ("image encoder", "画像エンコーダ", N_("turns a picture into visual tokens")),
    ("connector", "コネクタ（接続層）", N_("turns visual tokens into what a language model reads")),
    ("language model", "言語モデル", N_("says which word comes next")),
    ("convolution", "畳み込み", N_("a cell is computed from its neighbours, with the same weights everywhere")),
    (
        "feature map, grid",
        "特徴マップ、グリッド",
        N_("numbers for each cell of a picture: (batch, channels, rows, columns)"),
    ),
    ("cell", "セル", N_("one position of a grid")),
    ("patch", "パッチ", N_("a square of the input picture that becomes one token")),
    ("token", "トークン", N_("one vector of a sequence: a word, a cell, a patch, a region")),
    ("sequence", "シーケンス", N_("tokens in a row: (batch, number, width)")),
    ("flatten", "平坦化", N_("writing a grid's cells as a sequence; nothing is lost but their places")),
    ("padding", "パディング", N_("values added beyond the border; zeros there reveal where the border is")),
    ("stride", "ストライド", N_("how many pixels lie between two neighbouring cells")),
    ("receptive field", "受容野", N_("all pixels that can move a unit; an upper bound")),
    ("effective receptive field", "有効受容野", N_("how strongly each of them does")),
    ("self-attention", "自己注意機構", N_("tokens weight each other and add up what they find")),
    ("cross-attention", "クロスアテンション", N_("words are the queries, visual tokens the keys and values")),
    ("position embedding", "位置埋め込み", N_("tells a token where it is; without it attention sees a set")),
    ("patch embedding", "パッチ埋め込み", N_("a convolution whose stride is its kernel")),
    ("prefix", "プレフィックス", N_("visual tokens in front of the words")),
    ("projector", "射影層", N_("a small map from the width of visual tokens to that of words")),
    ("resampler", "リサンプラ", N_("a fixed number of learned queries that read the picture")),
    ("pooling", "プーリング", N_("many tokens become one, by a mean or by attention")),
    ("region", "領域", N_("a box cut out of a grid, one token each")),
    ("multiset, bag", "多重集合、バッグ", N_("what there is and how often, in no order")),
    ("inductive bias", "帰納バイアス", N_("what an architecture assumes before it has seen data")),
    ("guess rate", "当て推量の正答率", N_("how often one is right without looking")),
    ("ablation, control", "アブレーション、対照実験", N_("the same experiment with one thing taken away")),
)


def glossary() -> GlossaryView:
    """All terms as a table."""
    return GlossaryView(TERMS)
