"""Pictures of numbers: pure draw functions, controls and the explorer. Nothing here computes a model quantity."""

from vlmteach.home import lend_matplotlib_a_folder

lend_matplotlib_a_folder()

from vlmteach.views.attention import draw_attention_and_occlusion, draw_distance_by_depth, draw_head_gallery
from vlmteach.views.attention_numbers import ATTENTION_STEPS, draw_attention_step, draw_numbers, draw_six_tokens
from vlmteach.views.block import Stack, draw_block, draw_stacks, draw_who_looks_where
from vlmteach.views.cliff import (
    BoardMap,
    DistanceCurve,
    OffsetMap,
    draw_board_accuracy,
    draw_distance_accuracy,
    draw_offset_accuracy,
    draw_steps_to_level,
    draw_task,
    draw_training,
)
from vlmteach.views.connectors import draw_costs, draw_gates, draw_mask, draw_regions, draw_selection
from vlmteach.views.convolution import draw_convolution_step
from vlmteach.views.cost import CostCurve, Tower, draw_cost, draw_towers
from vlmteach.views.depth import DepthCurve, draw_distances
from vlmteach.views.explore import Explorer, explore
from vlmteach.views.field_growth import draw_growth, draw_profile, draw_stack
from vlmteach.views.fields import draw_coverage, draw_effective_field, draw_field_box, draw_heats
from vlmteach.views.handed import Handed, draw_handed
from vlmteach.views.html import figure_html, show_figures_as_html
from vlmteach.views.intervals import Reached, draw_intervals
from vlmteach.views.learning import HungerCurve, LearningCurve, draw_hunger, draw_learning_curves
from vlmteach.views.line import Line
from vlmteach.views.live import LiveFigure
from vlmteach.views.matrix import ControlCell, draw_blind, draw_matrix, draw_near_far
from vlmteach.views.meetings import MEETINGS, draw_meeting
from vlmteach.views.memory import draw_memory_order
from vlmteach.views.parts import draw_parts
from vlmteach.views.patches import (
    draw_bag_of_patches,
    draw_filters,
    draw_patch_sizes,
    draw_patches,
    draw_position_similarity,
    draw_waves,
)
from vlmteach.views.patchview import PatchView
from vlmteach.views.patchview_figure import draw_patchview
from vlmteach.views.picture import draw_picture
from vlmteach.views.ranges import Measured, draw_ranges
from vlmteach.views.real_vlms import draw_part_shares, draw_token_budgets
from vlmteach.views.roles import draw_roles
from vlmteach.views.rounding import tell_size
from vlmteach.views.scene_board import SceneBoard
from vlmteach.views.scenes import Asked, draw_scenes_with_questions
from vlmteach.views.similar import Likeness, draw_similar
from vlmteach.views.style import (
    CNN_HUE,
    HEAT,
    INK,
    LANGUAGE_HUE,
    MUTED,
    VIT_HUE,
    alt_text,
    describe,
    new_figure,
    use_style,
)
from vlmteach.views.systems import SystemsView
from vlmteach.views.theorem import draw_bags, draw_differences
from vlmteach.views.tokens import (
    draw_course_map,
    draw_feature_maps,
    draw_reshape,
    draw_shuffle,
    draw_token,
    draw_token_counts,
    draw_two_encoders,
)
from vlmteach.views.vlm import Recorded, Report, draw_learning_by_family, draw_next_words, draw_report
from vlmteach.views.vlm_map import VLM_PARTS, draw_vlm
from vlmteach.views.weighing import draw_weight_against_change

__all__ = [
    "ATTENTION_STEPS",
    "CNN_HUE",
    "HEAT",
    "INK",
    "LANGUAGE_HUE",
    "MEETINGS",
    "MUTED",
    "VIT_HUE",
    "VLM_PARTS",
    "Asked",
    "BoardMap",
    "ControlCell",
    "CostCurve",
    "DepthCurve",
    "DistanceCurve",
    "Explorer",
    "Handed",
    "HungerCurve",
    "LearningCurve",
    "Likeness",
    "Line",
    "LiveFigure",
    "Measured",
    "OffsetMap",
    "PatchView",
    "Reached",
    "Recorded",
    "Report",
    "SceneBoard",
    "Stack",
    "SystemsView",
    "Tower",
    "alt_text",
    "describe",
    "draw_attention_and_occlusion",
    "draw_attention_step",
    "draw_bag_of_patches",
    "draw_bags",
    "draw_blind",
    "draw_block",
    "draw_board_accuracy",
    "draw_convolution_step",
    "draw_cost",
    "draw_costs",
    "draw_course_map",
    "draw_coverage",
    "draw_differences",
    "draw_distance_accuracy",
    "draw_distance_by_depth",
    "draw_distances",
    "draw_effective_field",
    "draw_feature_maps",
    "draw_field_box",
    "draw_filters",
    "draw_gates",
    "draw_growth",
    "draw_handed",
    "draw_head_gallery",
    "draw_heats",
    "draw_hunger",
    "draw_intervals",
    "draw_learning_by_family",
    "draw_learning_curves",
    "draw_mask",
    "draw_matrix",
    "draw_meeting",
    "draw_memory_order",
    "draw_near_far",
    "draw_next_words",
    "draw_numbers",
    "draw_offset_accuracy",
    "draw_part_shares",
    "draw_parts",
    "draw_patch_sizes",
    "draw_patches",
    "draw_patchview",
    "draw_picture",
    "draw_position_similarity",
    "draw_profile",
    "draw_ranges",
    "draw_regions",
    "draw_report",
    "draw_reshape",
    "draw_roles",
    "draw_scenes_with_questions",
    "draw_selection",
    "draw_shuffle",
    "draw_similar",
    "draw_six_tokens",
    "draw_stack",
    "draw_stacks",
    "draw_steps_to_level",
    "draw_task",
    "draw_token",
    "draw_token_budgets",
    "draw_token_counts",
    "draw_towers",
    "draw_training",
    "draw_two_encoders",
    "draw_vlm",
    "draw_waves",
    "draw_weight_against_change",
    "draw_who_looks_where",
    "explore",
    "figure_html",
    "new_figure",
    "show_figures_as_html",
    "tell_size",
    "use_style",
]
