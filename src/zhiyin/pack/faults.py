"""场景包 · what can be wrong in a pack: one class a situation; the places are added later."""

from zhiyin.kernel import PackFault, Words


class NotYaml(PackFault):
    """A file, or a place in it, that the YAML reader cannot take."""

    code = "pack-001"
    what = Words("这里读不成 YAML:{problem}。", "This does not read as YAML: {problem}.")
    do = Words(
        "看这一行与上一行的缩进、引号和括号。",
        "Look at the indentation, quotes and brackets of this line and the one above.",
    )


class KeyTwice(PackFault):
    """One mapping says two things under one key."""

    code = "pack-002"
    what = Words(
        "键“{key}”出现两次,第一次在第 {line} 行;每个键只能有一次。",
        'Key "{key}" stands twice, first on line {line}; each key may stand once.',
    )
    do = Words("删去其中一个,或把两处合并。", "Remove one of them, or merge the two.")


class KeyUnknown(PackFault):
    """A key nobody would read, mostly a slip of the pen."""

    code = "pack-003"
    what = Words(
        "键“{key}”不属于这里;最接近的是“{nearest}”。",
        'Key "{key}" does not belong here; the nearest known key is "{nearest}".',
    )
    do = Words(
        "改成“{nearest}”,或删去。可用的键:{known}。",
        'Write "{nearest}" or remove it. Known keys: {known}.',
    )


class KeyMissing(PackFault):
    """A mapping without something the room cannot do without."""

    code = "pack-004"
    what = Words("这里缺少键“{key}”。", 'Key "{key}" is missing here.')
    do = Words("补上 {key}: {wanted_zh}。", "Add {key}: {wanted_en}.")


class KindWrong(PackFault):
    """Text for a number, a list for a text, and so on."""

    code = "pack-005"
    what = Words("这里是{is_zh},应是{wanted_zh}。", "This is {is_en}; it should be {wanted_en}.")
    do = Words("改写成{wanted_zh}{hint_zh}。", "Write it as {wanted_en}{hint_en}.")


class NumberOutside(PackFault):
    """A number beyond what the place takes."""

    code = "pack-026"
    what = Words("{value} 超出这里的范围,应 {bound}。", "{value} is outside; it should be {bound}.")
    do = Words("写一个 {bound} 的数。", "Write a number {bound}.")


class FileTooBig(PackFault):
    """More bytes than a pack file may have."""

    code = "pack-006"
    what = Words(
        "文件有 {size} 字节,最多 {most} 字节。", "The file has {size} bytes; the most is {most}."
    )
    do = Words("拆成几个场景包,或删去用不着的行。", "Split the pack, or remove lines nobody uses.")


class NestedTooDeep(PackFault):
    """More levels than any pack needs."""

    code = "pack-025"
    what = Words("文件嵌套超过 {most} 层。", "The file is nested deeper than {most} levels.")
    do = Words("减少嵌套的括号或缩进。", "Take away nested brackets or indentation.")


class AliasUsed(PackFault):
    """An anchor, through which a small file could mean a huge one."""

    code = "pack-007"
    what = Words(
        "这里用了锚点 &{name};场景包不用锚点和别名。",
        "Anchor &{name} stands here; packs use neither anchors nor aliases.",
    )
    do = Words("把内容在用到处照写一遍。", "Write the content out where it is used.")


class FileUnknown(PackFault):
    """A file that no room would read."""

    code = "pack-008"
    what = Words(
        "没有哪个房间认识文件“{name}”;最接近的是“{nearest}”。",
        'No room knows the file "{name}"; the nearest known one is "{nearest}".',
    )
    do = Words(
        "改名或移走。可用的文件:{known}。", "Rename it or take it away. Known files: {known}."
    )


class FolderNotName(PackFault):
    """A pack that calls itself otherwise than its folder."""

    code = "pack-009"
    what = Words(
        "文件夹名为“{folder}”,清单里的 pack 是“{key}”;两者应相同。",
        'The folder is called "{folder}" and pack says "{key}"; the two should be the same.',
    )
    do = Words("把其中一个改成另一个。", "Change one into the other.")


class WordsMissing(PackFault):
    """A text in one language only."""

    code = "pack-010"
    what = Words(
        "“{key}”缺少 {language} 的文字;两种语言都要有。",
        'The {language} text of "{key}" is missing; both languages are needed.',
    )
    do = Words("补上 {language} 的文字。", "Write the text for {language}.")


class NeedUnknown(PackFault):
    """A declared need that is not among the packs here."""

    code = "pack-011"
    what = Words(
        "needs 里的场景包“{key}”不在场;在场的有:{known}。",
        'Pack "{key}" in needs is not here; here are: {known}.',
    )
    do = Words("放入这个包,或从 needs 里删去。", "Bring the pack, or remove it from needs.")


class FormWrong(PackFault):
    """The right kind of value in a form the place does not take."""

    code = "pack-012"
    what = Words(
        "“{value}”不合这里的写法:{wanted_zh}。",
        '"{value}" has not the form wanted here: {wanted_en}.',
    )
    do = Words("照样改写,例如 {example}。", "Write it like this: {example}.")


class WordUnknown(PackFault):
    """A word outside a closed list."""

    code = "pack-027"
    what = Words(
        "“{value}”不在词表中;最接近的是“{nearest}”。",
        '"{value}" is not in the closed list; the nearest is "{nearest}".',
    )
    do = Words("从这些里选:{known}。", "Choose one of: {known}.")


class PlatformUnfit(PackFault):
    """A pack made for other versions of the platform."""

    code = "pack-013"
    what = Words(
        "这个包适用于知音 {wanted},现在是 {version}。",
        "The pack is for zhiyin {wanted}; this is {version}.",
    )
    do = Words(
        "换合适的版本,或试过后改写 zhiyin。", "Use a fitting version, or test and widen zhiyin."
    )


class NeverFires(PackFault):
    """A rule nobody has seen to warn."""

    code = "pack-014"
    what = Words(
        "规则“{rule}”没有故事使它报警;每条规则要有一个。",
        'Rule "{rule}" has no story that fires it; each rule needs one.',
    )
    do = Words(
        "在 stories.yaml 写一个预期它报警的故事。",
        "Write a story in stories.yaml that expects its warning.",
    )


class NeverQuiet(PackFault):
    """A rule nobody has seen to keep still."""

    code = "pack-015"
    what = Words(
        "规则“{rule}”没有数据到来而不报警的故事;每条规则要有一个。",
        'Rule "{rule}" has no story in which data come and it stays quiet; each rule needs one.',
    )
    do = Words(
        "在 stories.yaml 写一个给出 {type} 数据而不预期它的故事。",
        "Write a story in stories.yaml that gives data of {type} and does not expect it.",
    )


class NameUnknown(PackFault):
    """A reference that leads nowhere."""

    code = "pack-016"
    what = Words(
        "{kind_zh}“{name}”在本包和它声明的 needs 里都没有;最接近的是“{nearest}”。",
        'There is no {kind_en} "{name}" in this pack or its declared needs; '
        'the nearest is "{nearest}".',
    )
    do = Words("改成已有的名字,或先声明它。", "Write a name that exists, or declare it first.")


class FileMissing(PackFault):
    """A file every pack has."""

    code = "pack-017"
    what = Words("缺少文件 {name}。", "The file {name} is missing.")
    do = Words(
        "补上这个文件;zhiyin pack new 给出样板。", "Add the file; zhiyin pack new shows a sample."
    )


class NameTwice(PackFault):
    """Two declarations under one name."""

    code = "pack-018"
    what = Words("{kind_zh}“{name}”声明了两次。", 'The {kind_en} "{name}" is declared twice.')
    do = Words("给其中一个换名,或删去。", "Rename one of the two, or remove it.")


class GradeUnearned(PackFault):
    """A grade above what the files show."""

    code = "pack-019"
    what = Words(
        "等级写作“{grade}”,但还缺:{lacks_zh}。", 'The grade says "{grade}", but lacks: {lacks_en}.'
    )
    do = Words("补齐,或把等级改为 draft。", "Add what lacks, or set the grade to draft.")


class UnitUnfit(PackFault):
    """Units that measure different things."""

    code = "pack-020"
    what = Words(
        "“{value}”的单位与 {of} 的单位 {unit} 不相容。",
        'The unit of "{value}" does not fit {unit}, the unit of {of}.',
    )
    do = Words("换成可换算为 {unit} 的单位。", "Write a unit that can be turned into {unit}.")


class TimesNotRising(PackFault):
    """Readings of a story that go back in time."""

    code = "pack-021"
    what = Words(
        "时刻 {at} 早于前一个 {before};应由早到晚。",
        "Time {at} is before the one above it, {before}; they should run from early to late.",
    )
    do = Words("调整先后。", "Put them in order.")


class PackUnknown(PackFault):
    """A name that is no pack here."""

    code = "pack-022"
    status = 404
    what = Words(
        "场景包“{name}”不在 {folder};那里有:{known}。",
        'There is no pack "{name}" in {folder}; there are: {known}.',
    )
    do = Words("换一个名字。", "Choose one of these.")


class PackThere(PackFault):
    """A new pack under a name that is taken."""

    code = "pack-023"
    what = Words(
        "文件夹 {folder} 已存在;新包要用新的文件夹。",
        "The folder {folder} is there already; a new pack needs a new one.",
    )
    do = Words("换一个名字。", "Choose another name.")


class PacksRefused(PackFault):
    """The brain was to start with packs that have findings."""

    code = "pack-024"
    what = Words(
        "场景包有 {count} 处待改:\n{findings}",
        "The packs have {count} places to put right:\n{findings}",
    )
    do = Words(
        "改好后再启动;zhiyin pack check 随时可查。",
        "Put them right and start again; zhiyin pack check shows them any time.",
    )
