"""Frames of the standards' examples, with checks computed apart from the codec, and a register."""

from zhiyin.network.frame import Facts

MN = "4201050000000000000000A1"
NOW = 1_782_864_000_000  # 2026-07-01 08:00:00 +08:00
_HEAD = f"PW=123456;MN={MN}"

AIR = (
    f"##0226QN=20260701080000123;ST=22;CN=2011;{_HEAD};Flag=5;CP=&&DataTime=20260701080000;"
    "a34004-Rtd=45,a34004-Flag=N;a34002-Rtd=78,a34002-Flag=N;a01001-Rtd=31.2,a01001-Flag=N;"
    "a01002-Rtd=66.0,a01002-Flag=N&&0140"
)
AIR_ANSWER = f"##0087QN=20260701080000123;ST=91;CN=9014;{_HEAD};Flag=4;CP=&&&&60C0"
RIVER = (
    f"##0290QN=20260701081000001;ST=21;CN=2051;{_HEAD};Flag=5;CP=&&DataTime=20260701080000;"
    "w01001-Min=7.1,w01001-Avg=7.5,w01001-Max=7.8,w01001-Flag=N;"
    "w01009-Min=4.6,w01009-Avg=5.1,w01009-Max=5.4,w01009-Flag=N;"
    "w21003-Min=0.42,w21003-Avg=0.51,w21003-Max=0.60,w21003-Flag=N&&5000"
)
NOISE = (
    f"##0221QN=20260701080000001;ST=23;CN=2061;{_HEAD};Flag=5;CP=&&DataTime=20260701070000;"
    "L5-Data=63.0;L10-Data=61.0;L50-Data=56.0;L90-Data=50.0;L95-Data=48.0;Leq-Data=57.8;"
    "LMx-Data=78.4;LMn-Data=44.0&&BA41"
)
DUST = (
    f"##0190QN=20260701080500000;ST=39;CN=2011;{_HEAD};Flag=4;CP=&&DataTime=20260701080500;"
    "a34001-Rtd=210,a34001-Flag=N;a34002-Rtd=150,a34002-Flag=N;LA-Rtd=68.2,LA-Flag=N&&1980"
)
SET_TIME = (
    f"##0112QN=20260701090000000;ST=22;CN=1012;{_HEAD};Flag=5;CP=&&SystemTime=20260701090000&&4980"
)
READY = f"##0094QN=20260701090000000;ST=91;CN=9011;{_HEAD};Flag=4;CP=&&QnRtn=1&&FCC1"
DONE = f"##0095QN=20260701090000000;ST=91;CN=9012;{_HEAD};Flag=4;CP=&&ExeRtn=1&&2800"
HISTORY = (
    f"##0134QN=20260701090600000;ST=21;CN=2061;{_HEAD};Flag=5;"
    "CP=&&BeginTime=20260701060000,EndTime=20260701080000&&3FC0"
)
SPLIT = (
    f"##0152QN=20260701090500200;ST=21;CN=2061;{_HEAD};Flag=7;PNUM=2;PNO=1;"
    "CP=&&DataTime=20260701080000;w01001-Avg=7.5,w01001-Flag=N&&0E40",
    f"##0152QN=20260701090500200;ST=21;CN=2061;{_HEAD};Flag=7;PNUM=2;PNO=2;"
    "CP=&&DataTime=20260701080000;w01009-Avg=5.1,w01009-Flag=N&&24C0",
)
LOG = (
    f"##0152QN=20260701090100000;ST=21;CN=3020;{_HEAD};Flag=5;"
    "CP=&&DataTime=20260701090000;PolId=w01018;i11001-Info=//清洗管路//&&9E81"
)
HEARTBEAT = f"##0087QN=20260701090500000;ST=91;CN=9015;{_HEAD};Flag=9;CP=&&&&BB01"
SENT_ANEW = (
    f"##0171QN=20260701090500100;ST=22;CN=2051;{_HEAD};Flag=9;RF=1;CP=&&DataTime=20260701080000;"
    "a34004-Min=40,a34004-Avg=45,a34004-Max=52,a34004-Flag=N&&0140"
)
HARDWARE = (
    f"##0173QN=20260701090700000;ST=22;CN=1001;{_HEAD};Flag=9;CP=&&i23005-Info=DL001;"
    "i23006-Info=CPU123;i23007-Info=00163E000001;i23008-Info=00163E000002&&C841"
)
ALL = (
    AIR, AIR_ANSWER, RIVER, NOISE, DUST, SET_TIME, READY, DONE, HISTORY, *SPLIT, LOG, HEARTBEAT,
    SENT_ANEW, HARDWARE,
)  # fmt: skip


def wire(*frames: str) -> bytes:
    return b"".join(frame.encode() + b"\r\n" for frame in frames)


def slow_crc(data: bytes) -> int:
    """The check as the standard writes it, bit by bit."""
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return register


def framed(segment: str) -> str:
    """A frame of any data segment, right or not."""
    raw = segment.encode()
    return f"##{len(raw):04d}{segment}{slow_crc(raw):04X}"


def data(
    cp: str, *, cn: str = "2011", flag: str = "5", more: str = "", qn: str = "20260701"
) -> str:
    qn = qn.ljust(17, "0")
    return framed(f"QN={qn};ST=22;CN={cn};{_HEAD};Flag={flag};{more}CP=&&{cp}&&")


class Peers:
    """A register of one device, or of none."""

    def __init__(self, key: str = "123456", **settings: object) -> None:
        self.facts: Facts | None = Facts(key, settings)

    def find(self, address: str) -> Facts | None:
        return self.facts if address == MN else None
