"""What a SensorThings client may do wrong, each as a problem with its status."""

from zhiyin.kernel import CallerFault, Words


class PathUnknown(CallerFault):
    """An address that leads to no entity, collection or property."""

    code = "network-301"
    status = 404
    what = Words("没有 {path}:{reason}。", "There is no {path}: {reason}.")
    do = Words("从服务根的链接走起。", "Follow the links from the service root.")


class NoSuchEntity(CallerFault):
    """An id that no entity of the kind has."""

    code = "network-302"
    status = 404
    what = Words("{kind} 没有编号 {id}。", "There is no {kind} with id {id}.")
    do = Words("用列表里的 @iot.id。", "Take an @iot.id from the collection.")


class BadQuery(CallerFault):
    """A query option that cannot be understood or that fits nothing."""

    code = "network-303"
    what = Words("{option} 读不懂:{reason}。", "{option} cannot be read: {reason}.")
    do = Words(
        "按 OGC 18-088 第 9 章改写。", "Write it as chapter 9 of OGC 18-088 says; names are exact."
    )


class BadEntity(CallerFault):
    """A body that does not make an entity."""

    code = "network-304"
    what = Words("{kind} 不合要求:{reason}。", "This is no {kind}: {reason}.")
    do = Words("补齐或改正所说之处后重发。", "Mend what is named and send it again.")


class MethodRefused(CallerFault):
    """A method that this address does not have."""

    code = "network-305"
    status = 405
    what = Words(
        "{path} 不能 {method};能用 {allowed}。",
        "{path} does not take {method}; it takes {allowed}.",
    )
    do = Words("改用所列的方法。", "Use one of those.")


class BodyTooLarge(CallerFault):
    """A body above the limit."""

    code = "network-306"
    status = 413
    what = Words(
        "请求有 {size},最多 {limit}。", "The request has {size}; at most {limit} is taken."
    )
    do = Words("分成几次发送。", "Send it in several parts.")


class NoJsonBody(CallerFault):
    """A body that is no JSON, or not of the shape asked for."""

    code = "network-307"
    what = Words("请求体读不出来:{reason}。", "The body cannot be read: {reason}.")
    do = Words("发送 JSON,类型 application/json。", "Send JSON as application/json.")


class HouseOwned(CallerFault):
    """An entity that mirrors the house's register, which SensorThings clients may not remove."""

    code = "network-308"
    status = 405
    what = Words(
        "{kind} {id} 来自设备名录,不能在此删除。",
        "{kind} {id} comes from the device register and is not removed here.",
    )
    do = Words("在设备名录里停用它。", "Take it out of service in the device register.")


class NotTaken(CallerFault):
    """An observation that the front door refuses."""

    code = "network-309"
    what = Words("观测没有收下:{reason}。", "The observation was not taken: {reason}.")
    do = Words("改正后重发;原文在隔离区。", "Mend it and send it again; it is in quarantine.")
