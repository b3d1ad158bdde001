"""The tail: follows, stands still, never lies about which, and draws anything."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from textual.events import MouseScrollDown, MouseScrollUp
from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip

from refactor_console.domain.logfilter import LogFilter, parse
from refactor_console.domain.logs import Level, LogBatch, LogLine, LogMark, MarkKind
from refactor_console.domain.logtime import Zone
from refactor_console.domain.text import decode, visible
from refactor_console.widgets.log_rows import cells, drawable, fit, wrapped
from refactor_console.widgets.log_view import LogView
from tests.ui.doubles_logs import (
    APP,
    JOURNAL,
    NGINX,
    SECOND,
    START,
    ScriptedHub,
    ViewApp,
    messages,
    numbered,
    rows,
    until,
)


async def test_the_newest_line_stays_in_sight() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.hub.say(APP, numbered(0, 5))
        await until(lambda: messages(app.view) == numbered(0, 5))
        app.hub.say(APP, numbered(5, 500), at=START + 5 * SECOND)
        await until(lambda: messages(app.view)[-1] == "n=499")
        await pilot.pause()
        assert messages(app.view) == numbered(490, 500)
        assert app.view.following


async def test_nothing_moves_under_the_reader_while_ten_thousand_lines_arrive() -> None:
    app = ViewApp(max_lines=2_000)
    async with app.run_test(size=(80, 12)) as pilot:
        app.hub.say(APP, numbered(0, 500))
        await until(lambda: len(messages(app.view)) == 12)
        app.view.pause()
        await pilot.pause()
        before = rows(app.view)
        for start in range(500, 10_500, 500):
            app.hub.say(APP, numbered(start, start + 500), at=START + start * SECOND)
            app.hub.say(NGINX, ["late"], at=START + 495 * SECOND + start)
        await until(lambda: app.view.tail.new_below > 0)
        await pilot.pause()
        assert rows(app.view) == before
        assert app.book.store.dropped > 8_000
        assert app.view.tail.gone > 0
        await pilot.press("G")
        await until(lambda: messages(app.view)[-1] == "n=10499")
        assert app.view.following


async def test_lines_that_come_late_are_counted_and_shown_when_the_reader_moves() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 8)) as pilot:
        app.hub.say(APP, numbered(0, 20), step=10 * SECOND)
        await until(lambda: "n=19" in messages(app.view))
        app.view.pause()
        before = rows(app.view)
        app.hub.say(NGINX, ["late one"], at=START + 155 * SECOND)
        await until(lambda: app.view.tail.late == 1)
        assert rows(app.view) == before
        await pilot.press("pageup")
        await pilot.press("pagedown")
        await until(lambda: "late one" in messages(app.view))


async def test_the_count_of_new_lines_is_what_came_since_the_pause() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 8)) as pilot:
        app.hub.say(APP, numbered(0, 50))
        await until(lambda: app.view.page != [])
        await pilot.press("up")
        assert not app.view.following
        assert app.view.tail.new_below == 0
        app.hub.say(APP, numbered(50, 57), at=START + 50 * SECOND)
        await until(lambda: app.view.tail.new_below == 7)
        await pilot.press("pageup")
        assert app.view.tail.new_below == 7
        assert app.view.tail.behind_ns > 7 * SECOND


async def test_scrolling_back_to_the_end_follows_again() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.hub.say(APP, numbered(0, 100))
        await until(lambda: app.view.page != [])
        app.view.post_message(MouseScrollUp(app.view, 5, 5, 0, 0, 0, False, False, False))
        await until(lambda: not app.view.following)
        await pilot.pause()
        assert messages(app.view)[-1] == "n=96"
        app.view.post_message(MouseScrollDown(app.view, 5, 5, 0, 0, 0, False, False, False))
        await until(lambda: app.view.following)
        assert messages(app.view)[-1] == "n=99"


async def test_the_cursor_walks_over_the_edge_of_the_page_and_takes_it_along() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 6)) as pilot:
        app.hub.say(APP, numbered(0, 30))
        await until(lambda: len(app.view.page) == 6)
        for _ in range(8):
            await pilot.press("up")
        assert messages(app.view)[0] == "n=22"
        assert rows(app.view)[0].startswith("▌")
        await pilot.press("home")
        assert "n=0" in messages(app.view)
        for _ in range(7):
            await pilot.press("down")
        assert messages(app.view)[-1] == "n=7"


async def test_a_range_of_lines_can_be_selected() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.hub.say(APP, numbered(0, 30))
        await until(lambda: len(app.view.page) == 10)
        await pilot.press("up", "shift+up", "shift+up")
        assert [entry.text for entry in app.view.selected()] == ["n=27", "n=28", "n=29"]
        assert sum(row.startswith(("▌", "│")) for row in rows(app.view)) == 3


async def test_a_filter_keeps_the_readers_place() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.hub.say(APP, [f"{'even' if n % 2 == 0 else 'odd'} {n}" for n in range(2_000)])
        await until(lambda: app.view.page != [])
        app.view.go_to_time(START + 1_000 * SECOND)
        await pilot.pause()
        y = next(y for y, row in enumerate(rows(app.view)) if row.startswith("▌"))
        app.view.choose(replace(app.view.lens.filter, terms=parse("even").terms))
        await app.view.scanned()
        await until(lambda: all(text.startswith("even") for text in messages(app.view)))
        assert rows(app.view)[y].endswith("even 1000")
        assert app.view.lens.index.lines == 1_000


async def test_a_filter_is_complete_whatever_arrives_while_it_looks() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)):
        app.hub.say(APP, [f"n={n}" for n in range(30_000)], step=1_000)
        app.view.choose(LogFilter(terms=parse("/7$/").terms))
        app.hub.say(APP, [f"m={n}" for n in range(100)], at=START + SECOND)
        await app.view.scanned()
        await until(lambda: app.view.lens.index.lines == 3_010)


async def test_searching_goes_from_hit_to_hit_and_round_the_end() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.hub.say(APP, [f"needle {n}" if n % 40 == 0 else f"hay {n}" for n in range(200)])
        await until(lambda: app.view.page != [])
        app.view.search(parse("needle").terms)
        await app.view.scanned()
        seen = []
        for step in (-1, -1, 1, 1, 1):
            assert app.view.next_hit(step)
            seen.append(app.view.selected()[0].text)
        assert seen == ["needle 160", "needle 120", "needle 160", "needle 0", "needle 40"]
        assert not app.view.following
        await pilot.pause()
        hit = [
            segment
            for y in range(10)
            for segment in app.view.render_line(y)
            if segment.text == "needle" and segment.style is not None
        ]
        assert hit
        assert all(segment.style and segment.style.reverse and segment.style.bold for segment in hit)


async def test_a_search_without_hits_says_so() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)):
        app.hub.say(APP, numbered(0, 5))
        app.view.search(parse("needle").terms)
        await app.view.scanned()
        assert not app.view.next_hit(1)
        assert "No line holds" in app.view.tail.notice


async def test_errors_are_found_in_both_directions() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)):
        for n in range(60):
            app.hub.say(APP, [f"n={n}"], at=START + n * SECOND, level=Level.ERROR if n in (10, 50) else Level.INFO)
        await until(lambda: app.view.lens.errors.lines == 2)
        app.view.next_error(-1)
        assert app.view.selected()[0].text == "n=50"
        app.view.next_error(-1)
        assert app.view.selected()[0].text == "n=10"
        app.view.next_error(1)
        assert app.view.selected()[0].text == "n=50"


async def test_going_to_a_time_lands_on_the_first_line_from_then_on() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)):
        app.hub.say(APP, numbered(0, 100))
        await until(lambda: app.view.page != [])
        app.view.go_to_time(START + 41 * SECOND - 5)
        assert app.view.selected()[0].text == "n=41"
        app.view.go_to_time(START - SECOND)
        assert app.view.selected()[0].text == "n=0"
        assert "oldest" in app.view.tail.notice
        app.view.go_to_time(START + 500 * SECOND)
        assert app.view.selected()[0].text == "n=99"


async def test_a_long_line_is_cut_with_a_sign_or_wrapped_on_request() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.hub.say(APP, ["word " * 30])
        await until(lambda: app.view.page != [])
        assert rows(app.view)[1].endswith("›")
        app.view.wrap = True
        await pilot.pause()
        assert " ".join(messages(app.view)).split() == ["word"] * 30
        app.view.wrap = False
        await pilot.press("right")
        assert app.view.tail.pager.look.shift > 0
        await pilot.press("left")
        assert app.view.tail.pager.look.shift == 0


async def test_a_hit_beyond_the_edge_is_brought_into_sight() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.hub.say(APP, ["x" * 200 + " needle " + "y" * 200, "a needle at the beginning"])
        await until(lambda: len(app.view.page) == 3)
        app.view.search(parse("needle").terms)
        await app.view.scanned()
        await pilot.pause()
        first, second = messages(app.view)
        assert first.startswith("‹x")
        assert " needle y" in first
        assert first.endswith("y›")
        assert second == "a needle at the beginning"


async def test_an_entry_unfolded_at_the_bottom_is_brought_into_sight() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.hub.say(APP, [*numbered(0, 30), "panicked\n 0: a\n 1: b"])
        await until(lambda: len(app.view.page) == 10)
        await pilot.press("up", "enter")
        assert messages(app.view)[-4:] == ["n=29", "panicked", " 0: a", " 1: b"]


async def test_a_message_of_many_lines_folds_and_unfolds() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 12)) as pilot:
        app.hub.say(APP, ["before", "panicked at main.rs\n  0: unwind\n  1: main", "after"])
        await until(lambda: len(messages(app.view)) == 3)
        assert messages(app.view)[1] == "panicked at main.rs ⋯ +2 lines"
        await pilot.press("up", "up", "enter")
        assert messages(app.view) == ["before", "panicked at main.rs", "  0: unwind", "  1: main", "after"]
        await pilot.press("enter")
        assert len(messages(app.view)) == 3


async def test_a_selection_that_reaches_beyond_the_rows_is_drawn_and_copied_as_far_as_they_go() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.hub.say(APP, ["日本 n=1", "n=2"])
        await until(lambda: len(app.view.page) == 3)
        app.view.pause()
        points = [Offset(x, y) for y in (0, 1, 2, 9, 40) for x in (0, 1, 33, 78, 79, 200)]
        for start in points:
            for end in points:
                app.screen.selections = {app.view: Selection.from_offsets(start, end)}
                assert all(app.view.render_line(y).cell_length == 80 for y in range(10))
                assert app.view.get_selection(app.screen.selections[app.view]) is not None
        app.screen.selections = {app.view: Selection(None, None)}
        assert (app.screen.get_selected_text() or "").count("n=") == 2
        await pilot.pause()


async def test_a_click_selects_a_line_and_stops_the_tail() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.hub.say(APP, numbered(0, 30))
        await until(lambda: len(app.view.page) == 10)
        await pilot.click(LogView, offset=(20, 4))
        assert not app.view.following
        assert app.view.selected()[0].text == "n=24"


async def test_the_bar_can_be_dragged_from_end_to_end() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.hub.say(APP, numbered(0, 300))
        await until(lambda: len(app.view.page) == 10)
        await pilot.mouse_down(LogView, offset=(79, 9))
        await pilot.hover(LogView, offset=(79, 0))
        await until(lambda: "n=0" in messages(app.view))
        assert not app.view.following
        await pilot.hover(LogView, offset=(79, 9))
        await pilot.mouse_up(LogView, offset=(79, 9))
        await until(lambda: app.view.following)


async def test_only_the_rows_that_changed_are_drawn_again() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.hub.say(APP, numbered(0, 30))
        await until(lambda: len(app.view.page) == 10)
        await pilot.press("up")
        await pilot.pause()
        drawn: list[int] = []
        draw = app.view.render_line

        def note(y: int) -> Strip:
            drawn.append(y)
            return draw(y)

        app.view.render_line = note  # type: ignore[method-assign]
        await pilot.press("up")
        await pilot.pause()
        assert sorted(set(drawn)) == [8, 9]


async def test_text_can_be_selected_with_the_mouse() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.hub.say(APP, numbered(0, 30))
        await until(lambda: len(app.view.page) == 10)
        app.view.pause()
        await pilot.pause()
        await pilot.mouse_down(LogView, offset=(1, 2))
        await pilot.hover(LogView, offset=(30, 3))
        await pilot.mouse_up(LogView, offset=(30, 3))
        await pilot.pause()
        text = app.screen.get_selected_text()
        assert text is not None
        assert "n=22" in text


async def test_the_day_is_written_where_it_changes_and_marks_fill_the_width() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.view.zone = Zone.UTC
        midnight = START - START % (86_400 * SECOND) + 86_400 * SECOND
        app.hub.say(APP, ["old", "new"], at=midnight - SECOND)
        app.hub.mark(APP, LogMark(midnight + SECOND, MarkKind.GAP, "12 lines were rotated away"))
        await until(lambda: len(app.view.page) == 5)
        await pilot.pause()
        shown = rows(app.view)
        assert shown[0].startswith("── Saturday 2026-03-14 ─")
        assert shown[2].startswith("── Sunday 2026-03-15 ─")
        assert "rust-app GAP: 12 lines were rotated away" in shown[4]
        assert cells(shown[4]) == app.view.tail.pager.look.width


async def test_an_empty_view_says_why_it_is_empty() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        assert "Waiting for the first line." in "\n".join(rows(app.view))
        app.hub.say(APP, numbered(0, 1_234))
        await until(lambda: app.view.page != [])
        app.view.choose(LogFilter(terms=parse("nothing like it").terms))
        await app.view.scanned()
        await pilot.pause()
        assert "No line matches the filter (1,234 lines held)." in "\n".join(rows(app.view))


async def test_the_name_of_the_only_source_shown_takes_no_room() -> None:
    app = ViewApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.hub.say(JOURNAL, ["j"])
        app.hub.say(APP, ["a"])
        await until(lambda: len(messages(app.view)) == 2)
        assert any("journal" in row for row in rows(app.view))
        app.view.choose(LogFilter(only=APP))
        await app.view.scanned()
        await pilot.pause()
        assert not any("rust-app" in row for row in rows(app.view))


NASTY = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x9b[]0;m\n\r\t\x07\u200d\ufe0f\u0301\u202e\u05d0\u0627日👩\u1100\U000e0041\ud800"),
    ),
    max_size=200,
)


async def test_anything_can_be_a_line_and_the_grid_holds() -> None:
    """Every text, by itself, folded, wrapped, shifted and unfolded: no exception, no control character, exact width."""
    app = ViewApp()
    async with app.run_test(size=(61, 12)) as pilot:
        view = app.view
        await pilot.pause()

        def check() -> None:
            for y in range(view.size.height):
                strip = view.render_line(y)
                text = "".join(segment.text for segment in strip)
                assert cells(text) == strip.cell_length == view.size.width
                assert not [char for char in text if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}]

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.one_of(NASTY, st.binary(max_size=200).map(decode)), st.sampled_from(list(Level)), NASTY)
        @example("👩\u200d💻\ufe0f" * 30, Level.ERROR, "")
        @example("日本" * 60 + "\n" * 40, Level.INFO, "x")
        @example("", Level.UNKNOWN, "")
        def draw(text: str, level: Level, origin: str) -> None:
            app.book.store.append(LogBatch(APP, (LogLine(START, text, level, origin),)))
            app.book.store.append(LogBatch(NGINX, marks=(LogMark(START, MarkKind.CUT, text),)))
            view.tail.resume()
            check()
            view.tail.move_cursor(-1)
            view.tail.shift(1)
            check()
            view.action_fold()
            check()
            view.tail.shift(-1)
            view.wrap = not view.wrap
            check()

        draw()


@given(NASTY, st.integers(2, 40))
def test_wrapping_loses_nothing_and_fits(text: str, width: int) -> None:
    text = drawable(visible(text))
    pieces = wrapped(text, width)
    assert "".join(text[start:end] for start, end in pieces) == text
    assert all(cells(text[start:end]) <= width for start, end in pieces)


@given(NASTY, st.integers(1, 40))
def test_a_fitted_text_is_exactly_as_wide_as_asked(text: str, width: int) -> None:
    assert cells(fit(drawable(visible(text)), width)) == width


async def test_a_hub_that_says_nothing_costs_nothing() -> None:
    hub = ScriptedHub()
    app = ViewApp(hub)
    async with app.run_test(size=(80, 10)):
        hub.deliver(LogBatch(APP))
        assert len(app.book.store.timeline) == 0
