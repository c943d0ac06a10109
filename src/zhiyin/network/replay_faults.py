"""一张网 · what can stop a replay, each with what to do about it."""

from zhiyin.kernel import CallerFault, Words, WorldFault


class UnitTrap(CallerFault):
    """Most values of a column lie outside the range of its property: its unit is not said."""

    code = "network-121"
    what = Words(
        "列“{column}”的 {share:.0%} 不在属性的范围 {floor:g}–{ceiling:g} {unit} 之内"
        "(如 {example:g});映射没有写它的单位。",
        "{share:.0%} of column “{column}” lie outside its property's range {floor:g}–{ceiling:g} "
        "{unit} (such as {example:g}); the mapping does not state its unit.",
    )
    do = Words(
        "在映射里给这一列写上 unit{guess_zh}。", "State the column's unit in the mapping{guess_en}."
    )


class UnitDoubtful(CallerFault):
    """A stated unit puts most values outside the range; said, not refused."""

    code = "network-125"
    what = Words(
        "列“{column}”按所写的单位,{share:.0%} 不在属性的范围 {floor:g}–{ceiling:g} {unit} 之内"
        "(如 {example:g})。",
        "In its stated unit {share:.0%} of column “{column}” lie outside the property's range "
        "{floor:g}–{ceiling:g} {unit} (such as {example:g}).",
    )
    do = Words(
        "照送;越界的由接收方隔离。核对映射里的 unit。",
        "It is sent; what lies outside is quarantined. Check the unit in the mapping.",
    )


class ServerAway(WorldFault):
    """The brain did not take the observations for as long as we were told to be patient."""

    code = "network-122"
    what = Words(
        "{to} 在 {seconds} 秒内没有接收({reason});已送 {sent} 条。",
        "{to} took nothing for {seconds} s ({reason}); {sent} observations are in.",
    )
    do = Words(
        "等它恢复后重跑同一条命令,会从停下的地方接着送。",
        "Run the same command when it is back; it goes on where it stopped.",
    )


class BatchRefused(CallerFault):
    """The brain refused a whole batch."""

    code = "network-123"
    what = Words(
        "{to} 拒收从第 {line} 行起的一批:{status} {said}。",
        "{to} refused the batch from line {line} on: {status} {said}.",
    )
    do = Words("按它的说明改。", "Do what it says.")


class FileChanged(CallerFault):
    """File or mapping are not what they were when the run was interrupted."""

    code = "network-124"
    what = Words(
        "文件、映射或选项在上次中断后变了,第 {batch} 批对不上。",
        "File, mapping or options changed since the interruption; batch {batch} does not match.",
    )
    do = Words("删掉 {position} 从头送。", "Remove {position} and send from the start.")
