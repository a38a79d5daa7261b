import pytest

from vlmteach.pictures import COLOURS, SHAPES, Thing
from vlmteach.pictures.look import RGB
from vlmteach.views import SceneBoard, describe, explore, new_figure
from vlmteach.views.scene_board import EMPTY, SYMBOLS

THINGS = (Thing("square", "red", 2, 2, size=7, down=0, right=1), Thing("circle", "blue", 5, 5))


def draw(scene):
    return describe(new_figure(height=1)[0], f"things: {', '.join(map(str, scene)) or 'none'}")


@pytest.fixture
def board():
    return SceneBoard(THINGS)


def choose(board, colour, shape):
    board.colour.value, board.shape.value = colour, shape


def test_the_board_shows_where_each_thing_is(board):
    assert len(board.buttons) == 36
    assert board.value == THINGS
    assert board.buttons[2, 2].description == SYMBOLS["square"]
    assert board.buttons[2, 2].tooltip == "row 2, column 2: red square"
    assert board.buttons[5, 5].style.button_color == "#2850ff"
    assert sum(bool(button.description) for button in board.buttons.values()) == 2


def test_a_press_on_an_empty_cell_puts_the_chosen_thing_there(board):
    choose(board, "yellow", "cross")
    board.buttons[1, 6].click()
    assert board.value == (*THINGS, Thing("cross", "yellow", 1, 6))
    assert board.buttons[1, 6].description == SYMBOLS["cross"]


def test_a_press_on_another_thing_replaces_it(board):
    choose(board, "red", "triangle")
    board.buttons[2, 2].click()
    assert board.value == (THINGS[1], Thing("triangle", "red", 2, 2))


def test_the_same_thing_pressed_again_is_taken_off(board):
    choose(board, "red", "square")
    board.buttons[2, 2].click()
    assert board.value == THINGS[1:]
    assert board.buttons[2, 2].description == ""
    assert board.buttons[2, 2].style.button_color == EMPTY
    assert board.buttons[2, 2].tooltip == "row 2, column 2: empty"


def test_a_press_draws_again(board):
    explorer = explore(draw, scene=board)
    choose(board, "green", "circle")
    board.buttons[6, 6].click()
    assert "green circle at row 6, column 6" in explorer.picture.value


def test_a_sweep_goes_from_the_empty_board_to_the_full_one(board):
    visited = [position["scene"] for position in explore(draw, scene=board).positions()]
    assert visited[:3] == [(), THINGS[:1], THINGS]


def test_every_shape_has_a_symbol_of_its_own_and_every_colour_is_offered(board):
    assert set(SYMBOLS) == set(SHAPES)
    assert len(set(SYMBOLS.values())) == len(SHAPES)
    assert tuple(board.colour.options) == COLOURS
    assert len(RGB) == len(COLOURS)
