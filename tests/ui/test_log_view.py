"""The tail: follows, stands still, and never lies about which."""

from __future__ import annotations

from refactor_console.domain.logfilter import LogFilter, parse
from refactor_console.domain.logs import LogBatch, LogLine, LogMark, MarkKind
from tests.ui.doubles_logs import APP, NGINX, SECOND, START, ViewApp, messages, numbered, rows, until


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
