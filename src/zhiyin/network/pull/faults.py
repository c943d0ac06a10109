"""What a pull may meet: a world away, an address that cannot be, content of another form."""

from zhiyin.kernel import CallerFault, PackFault, Words, WorldFault

PAGE = "docs/guides/pull-from-a-source.md"


class PullUndeclared(PackFault):
    """A pull whose mapping is not in its pack."""

    code = "network-115"
    what = Words(
        "拉取 {pull} 要用映射 {mapping},这个包的 mappings/ 里没有。",
        "Pull {pull} wants the mapping {mapping}, which is not in the pack's mappings/.",
    )
    do = Words("写上这个映射,或改名字。", "Write that mapping, or correct its name.")


class PullTwice(PackFault):
    """One name for the pulls of two packs."""

    code = "network-116"
    what = Words(
        "拉取 {pull} 在包 {other} 里已有。", "Pull {pull} is declared by the pack {other} already."
    )
    do = Words("改其中一个的名字。", "Rename one of them.")


class SourceAway(WorldFault):
    """A source that does not answer, or answers that it cannot."""

    code = "network-040"
    what = Words("来源 {address} 取不到:{reason}。", "Source {address} gives nothing: {reason}.")
    do = Words("会自己再试;一直如此就问对方。", "It is tried again; if it stays so, ask them.")


class SourceRefuses(CallerFault):
    """A source that refuses what it was asked."""

    code = "network-041"
    what = Words("来源 {address} 不给:{reason}。", "Source {address} refuses: {reason}.")
    do = Words(
        f"核对 zhiyin.toml 里 [pull.…] 的地址与口令;写法见 {PAGE}。",
        f"Check address and secret of [pull.…] in zhiyin.toml; {PAGE} says how.",
    )


class SourceUnset(CallerFault):
    """A pull whose settings lack something, or say something that cannot be."""

    code = "network-042"
    what = Words(
        "拉取 {pull} 的设置不能用:{reason}。", "The settings of pull {pull} cannot be: {reason}."
    )
    do = Words(
        f"改 zhiyin.toml 里的 [pull.{{pull}}];写法见 {PAGE}。",
        f"Mend [pull.{{pull}}] in zhiyin.toml; {PAGE} says how.",
    )


class TooMuch(CallerFault):
    """A source that gives more than the pull takes."""

    code = "network-043"
    what = Words("来源给的超过 {limit}。", "The source gives more than {limit}.")
    do = Words(
        "在 pulls.yaml 里放宽 limit_mib、rows 或 within,或让来源分开给。",
        "Raise limit_mib, rows or within in pulls.yaml, or let the source give it in parts.",
    )


class NotAsDeclared(CallerFault):
    """Content that is not of the declared form."""

    code = "network-044"
    what = Words("内容与声明不符:{reason}。", "The content is not as declared: {reason}.")
    do = Words("核对来源的格式与 pulls.yaml。", "Compare the source's form with pulls.yaml.")


class OwnTrouble(WorldFault):
    """Our own store or disk did not take what a pull brought."""

    code = "network-046"
    what = Words(
        "本机的库或磁盘没有收下:{reason}。", "Our own store or disk did not take it: {reason}."
    )
    do = Words("看磁盘余量与数据库;会自己再试。", "See disk space and database; it is tried again.")


class NoSuchPull(CallerFault):
    """A pull nobody has declared."""

    code = "network-045"
    status = 404
    what = Words("没有拉取 {pull}。", "There is no pull {pull}.")
    do = Words("GET /api/v1/pulls 列出全部。", "GET /api/v1/pulls lists them all.")


class PullBusy(CallerFault):
    """A pull that is to forget how far it has come while it runs."""

    code = "network-047"
    status = 409
    what = Words("拉取 {pull} 正在运行。", "Pull {pull} is running.")
    do = Words("等它结束再重新取。", "Wait for it to end, then fetch all again.")
