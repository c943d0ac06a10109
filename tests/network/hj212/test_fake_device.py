"""The fake station speaks what the session understands, over a real socket."""

import asyncio

from tests.fakes.hj212_device import obeyed, run
from tests.network.hj212.frames import MN, NOW, Peers
from zhiyin.network.frame import Order, Turn
from zhiyin.network.hj212 import WIRE


async def test_the_fake_station_is_understood_and_answered() -> None:
    turns: list[Turn] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = WIRE.session(Peers())
        while data := await reader.read(65536):
            for turn in session.receive(data, NOW):
                turns.append(turn)
                writer.write(turn.reply)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await run("127.0.0.1", port, MN, 3, every=0) == 3
    assert [len(turn.decoded.readings) for turn in turns if turn.decoded] == [2, 2, 2]


def test_the_fake_station_obeys_an_order() -> None:
    session = WIRE.session(Peers())
    frame = session.order(Order("o1", MN, "read_time"), NOW)
    turns = [turn for said in obeyed(frame) for turn in session.receive(said, NOW)]
    assert [turn.answers[0].done for turn in turns] == [None, None, True]
