"""What can be wrong in a pack's `rules.yaml`, in words."""

from zhiyin.kernel import WarningLevel, Words

Where = tuple[str | int, ...]
Finding = tuple[Where, str, Words, Words]  # path in the file, code, what is wrong, what to do
LEVELS = [level.key for level in WarningLevel if level]
_ZH = dict(zip(LEVELS, "蓝黄橙红", strict=True))


def twice(path: Where, name: str) -> Finding:
    what = Words(f"规则“{name}”写了两次。", f"Rule {name!r} stands twice.")
    return path, "watch-001", what, Words("给其中一条换个名字。", "Rename one of them.")


def unknown(path: Where, name: str) -> Finding:
    what = Words(
        f"模型里没有“{name}”这个类型和属性。", f"{name!r} is no type and property of the model."
    )
    do = Words(
        "写作 类型.属性,并在 model.yaml 里声明它。",
        "Write type.property and declare it in model.yaml.",
    )
    return path, "watch-002", what, do


def no_fit(path: Where, text: str, unit: str) -> Finding:
    what = Words(f"“{text}”换算不成 {unit}。", f"{text!r} cannot be turned into {unit}.")
    do = Words(f"用 {unit} 或能换算成它的单位。", f"Use {unit} or a unit that converts to it.")
    return path, "watch-003", what, do


def no_level(path: Where, name: str) -> Finding:
    what = Words(f"“{name}”不是预警级别。", f"{name!r} is no warning level.")
    do = Words("级别只有 blue、yellow、orange、red。", "Levels are blue, yellow, orange and red.")
    return path, "watch-005", what, do


def empty(path: Where, rule: str) -> Finding:
    what = Words(f"规则“{rule}”一级也没有。", f"Rule {rule!r} has no level.")
    return path, "watch-006", what, Words("至少写一级。", "Give at least one.")


def not_rising(
    path: Where, rule: str, high: str, here: object, low: str, there: object, sign: int
) -> Finding:
    zh, en = ("低", "above") if sign > 0 else ("高", "below")
    order_zh, order_en = ("由低到高", "rise") if sign > 0 else ("由高到低", "fall")
    what = Words(
        f"规则“{rule}”:{_ZH[high]}色起点 {here} 不比{_ZH[low]}色起点 {there} "
        f"更{'高' if sign > 0 else '低'}。",
        f"Rule {rule!r}: {high} starts at {here}, not {en} {low} at {there}.",
    )
    do = Words(
        f"四级须{order_zh}:蓝、黄、橙、红。改{_ZH[high]}色,或把{_ZH[low]}色调{zh}。",
        f"Levels {order_en} from blue over yellow and orange to red. Change {high} or {low}.",
    )
    return path, "watch-007", what, do


def no_clears(path: Where, rule: str) -> Finding:
    what = Words(
        f"规则“{rule}”没有大于零的 clears(回差)。",
        f"Rule {rule!r} has no hysteresis (clears) above zero.",
    )
    do = Words(
        "写明退出某级要越过起点多少,例如 clears: 0.03 m;否则值在起点附近会反复报警。",
        "Say how far past the floor a level is left, e.g. clears: 0.03 m; "
        "else a value near the floor raises again and again.",
    )
    return path, "watch-009", what, do


def too_deep(path: Where, text: str, step: float, unit: str) -> Finding:
    what = Words(
        f"clears {text} 超过最小级差 {step:g} {unit} 的两倍,高一级会盖过低两级。",
        f"clears {text} is twice the smallest step between levels ({step:g} {unit}) or more.",
    )
    do = Words(f"把 clears 调到 {step:g} {unit} 以下。", f"Bring clears below {step:g} {unit}.")
    return path, "watch-010", what, do


def other_kind(path: Where, key: str, kind: str) -> Finding:
    what = Words(f"{key} 只用于 {kind} 规则。", f"{key} belongs to rules of kind {kind} only.")
    return path, "watch-011", what, Words("删去它,或改 kind。", "Leave it out or change the kind.")


def unused(path: Where, name: str) -> Finding:
    what = Words(f"规则没有{_ZH[name]}色一级,它不会立案。", f"The rule has no level {name}.")
    do = Words("在 levels 里加上这一级,或删去这一行。", "Add it to levels, or leave this out.")
    return path, "watch-008", what, do


def no_duration(path: Where, text: str) -> Finding:
    what = Words(f"“{text}”不是时长。", f"{text!r} is no duration.")
    return (
        path,
        "watch-004",
        what,
        Words("写作 90s、2min、1h 或 1d。", "Write 90s, 2min, 1h or 1d."),
    )


def no_date(path: Where, text: str) -> Finding:
    what = Words(f"“{text}”不是日期。", f"{text!r} is no date.")
    return path, "watch-012", what, Words("写作 2026-03-01。", "Write it as 2026-03-01.")
