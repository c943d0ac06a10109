"""What an item's name in the CP text means: which factor, which statistic, which unit.

Names are `code-Suffix` (HJ 212-2017 §6.3.2 and annex B); what is learnt of a name is kept.
"""

from functools import lru_cache
from typing import NamedTuple

from zhiyin.network.hj212.tables import factors

VALUE, FLAG, TIME, OTHER = range(4)

_PLAIN = frozenset({"SampleTime", "SN", "EFlag"})
_UNITLESS = frozenset({"Cou", "RS", "ValidNum", "TotalNum"})
_SUFFIXES = {
    "Rtd": "实时值", "Min": "最小值", "Avg": "平均值", "Max": "最大值", "Cou": "累计值",
    "ZsRtd": "折算实时值", "ZsMin": "折算最小值", "ZsAvg": "折算平均值", "ZsMax": "折算最大值",
    "Flag": "数据标记", "EFlag": "设备标志", "SampleTime": "采样时间", "Data": "监测值",
    "DayData": "昼间值", "NightData": "夜间值", "Info": "信息", "SN": "唯一标识", "RS": "运行状态",
    "RT": "运行时间",
}  # fmt: skip
_ITEMS = {
    "DataTime": ("数据时间", ""), "SystemTime": ("系统时间", ""), "BeginTime": ("开始时间", ""),
    "EndTime": ("截止时间", ""), "RestartTime": ("开机时间", ""), "QnRtn": ("请求应答代码", ""),
    "ExeRtn": ("执行结果代码", ""), "PolId": ("因子编码", ""), "InfoId": ("信息编码", ""),
    "RtdInterval": ("实时数据间隔", "s"), "MinInterval": ("分钟数据间隔", "min"),
    "OverTime": ("超时时间", "s"), "ReCount": ("重发次数", ""), "NewPW": ("新密码", ""),
    "VaseNo": ("采样瓶编号", ""), "CstartTime": ("采样起始时间", ""), "Ctime": ("采样周期", "h"),
    "Stime": ("出样时间", "min"), "SKCreateTime": ("密钥生成时间", ""), "NewSK": ("新密钥", ""),
}  # fmt: skip


class Name(NamedTuple):
    """An item's name understood; `code` is the factor or empty."""

    kind: int
    code: str
    suffix: str
    unit: str
    title: str


def _unit(code: str, suffix: str) -> str:
    if suffix == "RT":
        return "h"
    factor = factors().get(code)
    # What -Cou adds up to (kg, t, m³) is not the factor's own unit and is set by no table.
    return "" if factor is None or suffix in _UNITLESS else factor.unit


@lru_cache(maxsize=8192)
def name_of(text: str) -> Name:
    """Understand a name; one that no table has is taken as it is."""
    code, dash, suffix = text.rpartition("-")
    if not dash:
        title, unit = _ITEMS.get(text, ("", ""))
        return Name(TIME if text == "DataTime" else OTHER, "", "", unit, title)
    factor = factors().get(code)
    title = f"{factor.title if factor else code} {_SUFFIXES.get(suffix, suffix)}"
    if suffix == "Flag":
        return Name(FLAG, code, suffix, "", title)
    kind = OTHER if suffix in _PLAIN else VALUE
    unit = _unit(code, suffix) if kind == VALUE else ""
    return Name(kind, code, suffix, unit, title)
