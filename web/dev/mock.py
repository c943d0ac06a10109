"""A stand-in for the server, for work on the front end alone. Every figure in it is invented.

python web/dev/mock.py --static src/zhiyin/static --facts src/zhiyin/atlas/facts --port 8780
"""

# ruff: noqa: E501, C901, INP001, PLR0912, D101, ANN001, ANN201, S311

import argparse
import json
import math
import mimetypes
import random
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

RNG = random.Random(1123)
SPEED = 60
STARTED = time.monotonic()
BEGIN = datetime(2026, 11, 23, 9, 32, tzinfo=UTC)  # 17:32 in the district
LEVELS = ("blue", "yellow", "orange", "red")
EMPTY = {"type": "FeatureCollection", "features": []}


def now() -> datetime:
    return BEGIN + timedelta(seconds=(time.monotonic() - STARTED) * SPEED)


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ago(**span: float) -> datetime:
    return BEGIN - timedelta(**span)


def bump(hour: float, at: float, width: float) -> float:
    return math.exp(-(((hour - at) / width) ** 2))


def samples(base: float, swing: float, rise: float = 0.0) -> list[list[object]]:
    """24 h at ten minutes; `rise` is what the last two hours add."""
    noise, line = 0.0, []
    for i in range(144):
        noise = 0.86 * noise + RNG.gauss(0, swing / 5)
        hour = (i / 6 + 17.5) % 24
        value = base + swing * (bump(hour, 8.5, 2) + bump(hour, 17, 3) - 0.4) + noise
        value += rise * max(0.0, (i - 128) / 16)
        line.append([iso(BEGIN - timedelta(minutes=10 * (143 - i))), round(value, 3)])
    return line


def vital(key, zh, en, unit, band, base, swing, rise=0.0, late=0.0):
    series = samples(base, swing, rise)
    return {
        "key": key, "title": zh, "title_en": en, "unit": unit, "band": band, "series": series,
        "value": series[-1][1], "direction": "low_is_good", "source": "demo", "late": late,
    }  # fmt: skip


VITALS = [
    vital("max_depth", "最深积水", "Deepest water", "m", [0, 0.10], 0.02, 0.02, 0.36),
    vital("rain_1h", "小时雨量", "Rain in an hour", "mm", [0, 20], 6, 5, 24),
    vital("aqi", "空气质量", "Air quality", "AQI", [0, 100], 62, 16),
    vital("lake_over", "湖泊高于控制", "Lakes above limit", "m", [None, 0.0], -0.22, 0.05, 0.3),
    vital("online", "设备在线率", "Devices online", "%", [95, 100], 98.4, 0.4, late=38),
]

PLACES = [
    ("ponding-yingwu-01", "鹦鹉大道下穿通道", "Yingwu Avenue underpass", "洲头街道", "420105006", [114.2685, 30.5236]),
    ("ponding-qintai-02", "琴台大道铁路桥下", "Qintai Avenue rail bridge", "月湖街道", "420105003", [114.2415, 30.5585]),
    ("lake-moshui-01", "墨水湖东闸", "Moshui Lake east gate", "五里墩街道", "420105009", [114.243, 30.5365]),
    ("pump-yangsi-03", "杨泗港泵站", "Yangsigang pumps", "江堤街道", "420105012", [114.2498, 30.5043]),
    ("air-wangjiawan", "王家湾空气站", "Wangjiawan air station", "琴断口街道", "420105011", [114.1985, 30.5565]),
    ("ponding-sixin-07", "四新大道学校门前", "Sixin Avenue school gate", "四新街道", "420105014", [114.209, 30.5105]),
    ("ponding-longyang-04", "龙阳大道芳草路口", "Longyang Avenue at Fangcao Road", "龙阳街道", "420105015", [114.193, 30.537]),
]  # fmt: skip


def warning(n, rule, level, place, minutes, value, unit, zh, en, prop, *, seen=False, floor=None):
    thing, name, name_en, area_name, area, spot = PLACES[place]
    raised = ago(minutes=minutes)
    values = [
        [iso(raised + timedelta(minutes=m - 12)), round(value * (0.35 + 0.65 * min(1, m / 12)) + RNG.gauss(0, value * 0.015), 3)]
        for m in range(12 + minutes)
    ]  # fmt: skip
    return {
        "id": f"w{n:04d}", "rule": rule, "pack": "flood_drainage", "title": zh, "title_en": en,
        "level": level, "peak_level": level, "state": "open",
        "acknowledged_by": "user:陈露" if seen else None,
        "acknowledged_at": iso(raised + timedelta(minutes=3)) if seen else None,
        "thing": thing, "thing_name": name, "thing_name_en": name_en, "property": prop,
        "value": value, "unit": unit, "place": spot, "area": area, "area_name": area_name,
        "raised_at": iso(raised), "changed_at": iso(raised), "cleared_at": None,
        "data_time": iso(ago(minutes=1)), "case_id": f"c{n:04d}" if level in {"red", "orange"} else None,
        "says": f"{name}{zh} {value:g} {unit}", "says_en": f"{name_en}: {en} {value:g} {unit}",
        "evidence": {"rule": rule, "version": "2026-11-01", "floor": floor, "unit": unit,
                     "levels": {"blue": 0.10, "yellow": 0.15, "orange": 0.25, "red": 0.40} if prop == "depth" else {},
                     "values": values, "position": 418_233 + n},
    }  # fmt: skip


WARNINGS = {w["id"]: w for w in [
    warning(1, "ponding_depth", "orange", 0, 11, 0.31, "m", "积水", "water", "depth", floor=0.25),
    warning(2, "lake_level", "orange", 2, 26, 19.42, "m", "水位", "level", "level", seen=True, floor=19.15),
    warning(3, "ponding_depth", "yellow", 1, 6, 0.18, "m", "积水", "water", "depth", floor=0.15),
    warning(4, "pump_stopped", "yellow", 3, 3, 1, "台", "停机", "stopped", "stopped", floor=1),
    warning(5, "ponding_depth", "blue", 5, 18, 0.12, "m", "积水", "water", "depth", floor=0.10),
    warning(6, "aqi_high", "blue", 4, 42, 104, "AQI", "空气", "air", "aqi", seen=True, floor=100),
]}  # fmt: skip
for k in range(40):
    w = warning(100 + k, "ponding_depth", RNG.choice(LEVELS[:3]), RNG.randrange(7), 60 + 37 * k, 0.2, "m", "积水", "water", "depth", floor=0.1)  # fmt: skip
    w |= {"state": "cleared", "cleared_at": iso(ago(minutes=20 + 37 * k))}
    WARNINGS[w["id"]] = w

ROAD = ["accept", "dispatch", "dispose", "check", "close"]
STATES = ["filed", "accepted", "dispatched", "disposed", "checked", "closed"]
TITLES = [
    (
        "鹦鹉大道下穿通道积水",
        "Water in the Yingwu Avenue underpass",
        "waterlogging",
        "积水排涝",
        "区水务和湖泊局",
    ),
    (
        "墨水湖水位超控制线",
        "Moshui Lake above its limit",
        "lake_level",
        "湖泊水位",
        "区水务和湖泊局",
    ),
    (
        "汉阳大道积水致路面塌陷",
        "Road collapse on Hanyang Avenue",
        "road",
        "设施部件",
        "区城管执法局",
    ),
    ("归元寺路井盖缺失", "Manhole cover missing, Guiyuansi Road", "road", "设施部件", "建桥街道"),
    (
        "四新南路夜间施工噪声",
        "Night works noise, Sixin South Road",
        "noise",
        "施工噪声",
        "区生态环境分局",
    ),
    ("琴台大道护栏损坏", "Guard rail broken, Qintai Avenue", "road", "设施部件", "区交通大队"),
    (
        "拦江路垃圾收集点满溢",
        "Waste point overflowing, Lanjiang Road",
        "litter",
        "市容环境",
        "鹦鹉街道",
    ),
    ("芳草路占道经营", "Stalls on the pavement, Fangcao Road", "stalls", "占道经营", "龙阳街道"),
]
CASES: dict[str, dict] = {}
for n in range(1, 49):
    zh, en, kind, kind_zh, unit = TITLES[(n - 1) % 8]
    state = 2 if n == 1 else 0 if n == 2 else RNG.randrange(6)
    opened = ago(minutes=8 + n * 23)
    due = BEGIN + timedelta(
        minutes=[42, 75, -128, 210, 312, 364, 440, 585][(n - 1) % 8] + 31 * (n // 8)
    )
    place = PLACES[(n - 1) % 7]
    steps = [{"step": s, "at": iso(opened + timedelta(minutes=2 * i)), "by": "user:陈露", "hash": f"{RNG.getrandbits(128):032x}",
              "note": ["由预警自动立案", "权属核定", "派遣至排水抢险 3 队", "抽排完成,路面恢复", "现场照片 2 张", ""][i]}
             for i, s in enumerate(["file", *ROAD][: state + 1])]  # fmt: skip
    CASES[f"c{n:04d}"] = {
        "id": f"c{n:04d}", "number": f"HY-1123-{n:04d}", "type": kind, "type_title": kind_zh, "type_title_en": kind,
        "title": zh, "title_en": en, "state": STATES[state], "level": "orange" if n < 3 else None,
        "area": place[4], "area_name": place[3], "place": place[5], "unit": unit if state else None,
        "opened_at": iso(opened), "due_at": iso(due), "warning_id": f"w{n:04d}" if n < 3 else None,
        "source": "warning" if n < 3 else "hotline", "steps": steps,
    }  # fmt: skip


def shown(case: dict) -> dict:
    at = STATES.index(case["state"])
    left = (datetime.fromisoformat(case["due_at"]) - now()).total_seconds()
    may = (
        []
        if case["state"] == "closed"
        else [ROAD[at], *(["rework"] if ROAD[at] == "check" else []), "void", "note"]
    )
    return case | {"remaining_s": round(left), "overdue": left < 0 and bool(may), "may": may}


REASONS = {"unknown_device": 7, "out_of_range": 4, "clock_off": 3}
QUARANTINE = [
    {"id": f"q{i}", "reason": reason, "thing": f"dev-{RNG.randrange(100, 999)}", "received": iso(ago(minutes=9 * i + j)), "detail": "",
     "source": "mqtt", "raw": {"property": "depth", "value": RNG.choice([0.31, 99, "n/a"]), "time": "2026-11-23T09:3"}}
    for i, (reason, number) in enumerate(REASONS.items()) for j in range(number)
]  # fmt: skip
for i, row in enumerate(QUARANTINE):
    row["id"] = f"q{i:03d}"

STRINGS = [
    (
        "hotline",
        "市民热线",
        "Hotline",
        [(0.8, 0.6, 5), (3.2, 0.5, 7), (8.5, 0.7, 8), (14, 0.5, 6), (17.2, 0.4, 9)],
    ),
    (
        "grid",
        "网格上报",
        "Grid workers",
        [(0.5, 0.6, 6), (9, 0.5, 14), (15, 0.6, 11), (16.5, 0.4, 9), (17.1, 0.3, 12)],
    ),
    ("patrol", "城管巡查", "Patrols", [(6.5, 0.3, 6), (10, 0.4, 4), (16.3, 0.6, 10)]),
    (
        "water",
        "水务监测",
        "Water gauges",
        [(2.8, 0.5, 7), (6.2, 0.4, 8), (9.6, 0.6, 12), (12.6, 0.3, 9), (17.3, 0.4, 20)],
    ),
    ("traffic", "交通运行", "Traffic", [(8, 0.8, 8), (12.2, 0.8, 4), (17.2, 0.6, 8)]),
    ("air", "生态环境", "Environment", [(7, 1, 1.5), (15, 1, 2)]),
    ("emergency", "应急值守", "Emergency desk", [(6.3, 0.4, 3), (12.5, 0.5, 2)]),
]


def strings() -> list[dict]:
    rng = random.Random(7)
    bucket = int(
        ((now() + timedelta(hours=8)).hour * 60 + (now() + timedelta(hours=8)).minute) / 10
    )
    answer = []
    for key, zh, en, bumps in STRINGS:
        minutes = [
            max(0, round(sum(a * bump(i / 6, h, w) for h, w, a in bumps) + rng.gauss(0.1, 0.6)))
            for i in range(144)
        ]
        marks = [{"time": w["raised_at"], "level": w["level"]} for w in WARNINGS.values()
                 if {"ponding_depth": "water", "lake_level": "water", "pump_stopped": "water", "aqi_high": "air"}[w["rule"]] == key
                 and w["state"] == "open"]  # fmt: skip
        if key == "grid":
            marks.append({"time": iso(ago(hours=8.4)), "level": "yellow"})
        if key == "emergency":
            marks.append({"time": iso(ago(hours=11.3)), "level": "blue"})
        answer.append(
            {
                "key": key,
                "title": zh,
                "title_en": en,
                "minutes": minutes[: bucket + 1],
                "marks": marks,
            }
        )
    return answer


def fresh_vitals() -> list[dict]:
    return [v | {"time": iso(now() - timedelta(minutes=v["late"] or 1))} for v in VITALS]


def opens() -> list[dict]:
    return sorted((w for w in WARNINGS.values() if w["state"] == "open"), key=lambda w: (-LEVELS.index(w["level"]), w["raised_at"]))  # fmt: skip


def wall() -> dict:
    warnings = opens()
    hours = [{"hour": h, "today": round(20 + 90 * bump(h, 9, 2) + 80 * bump(h, 15.5, 2)),
              "yesterday": round(22 + 80 * bump(h, 9.5, 2.2) + 74 * bump(h, 15, 2.4))} for h in range(24)]  # fmt: skip
    return {
        "now": iso(now()), "speed": SPEED, "demo": True, "district": {"name": "汉阳区", "name_en": "Hanyang District"},
        "today": {"received": 1286, "closed": 1041, "moving": 245, "overdue": 7}, "hours": hours,
        "by_type": [{"title": z, "title_en": e, "count": c, "on_time": round(c * r)} for z, e, c, r in [
            ("市容环境", "Cityscape", 412, 0.983), ("占道经营", "Street stalls", 266, 0.961), ("设施部件", "Street furniture", 187, 0.974),
            ("积水排涝", "Waterlogging", 143, 0.886), ("施工噪声", "Works noise", 96, 0.938), ("其他事项", "Other", 182, 0.95)]],
        "levels": [{"name": z, "name_en": e, "value": v, "limit": m, "unit": "m", "time": iso(now())} for z, e, v, m in [
            ("墨水湖", "Moshui Lake", 19.42, 19.15), ("龙阳湖", "Longyang Lake", 19.03, 19.35),
            ("南太子湖", "S. Taizi Lake", 18.86, 19.25), ("三角湖", "Sanjiao Lake", 18.41, 19.10)]],
        "pumps": {"running": 12, "total": 18, "flow": 86.4}, "vitals": fresh_vitals(),
        "warnings": {"open": len(warnings), "by_level": {k: sum(w["level"] == k for w in warnings) for k in LEVELS}, "worst": warnings[:5]},
        "cases": sorted((shown(c) for c in CASES.values() if c["state"] != "closed"), key=lambda c: c["remaining_s"])[:20],
        "strings": strings(), "data_age_s": 3,
    }  # fmt: skip


PATCHES: list[tuple[str, dict]] = []


def patch(topic: str, item: dict) -> None:
    PATCHES.append((topic, {"kind": "patch", "items": [item]}))


class Answer(BaseHTTPRequestHandler):
    static: Path
    facts: Path
    elements: dict

    def log_message(self, *_: object) -> None:
        return

    def json(self, body: object, status: int = 200, total: int | None = None) -> None:
        raw = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        if total is not None:
            self.send_header("X-Total-Count", str(total))
        self.end_headers()
        self.wfile.write(raw)

    def page(self, rows: list[dict], query: dict[str, str]) -> None:
        words = query.get("q", "").lower()
        rows = [r for r in rows if not words or words in json.dumps(r, ensure_ascii=False).lower()]
        for key in ("level", "area", "reason"):
            rows = [r for r in rows if key not in query or r.get(key) == query[key]]
        start, limit = int(query.get("offset", 0)), int(query.get("limit", 100))
        self.json(rows[start : start + limit], total=len(rows))

    def fact(self, name: str) -> None:
        path = self.facts / f"{name}.geojson"
        self.json(json.loads(path.read_text()) if path.exists() else EMPTY)

    def do_GET(self) -> None:
        where = urlsplit(self.path)
        query = {k: v[-1] for k, v in parse_qs(where.query).items()}
        path = where.path
        if not path.startswith("/api/v1/"):
            self.file(path)
            return
        parts = path.removeprefix("/api/v1/").split("/")
        match parts:
            case ["wall"]:
                self.json(wall())
            case ["live"]:
                self.live()
            case ["map", name]:
                self.fact(name)
            case ["areas"]:
                self.fact(
                    {"district": "district", "street": "streets"}.get(query.get("kind", ""), "none")
                )
            case ["elements"]:
                self.json(self.elements)
            case ["vitals"]:
                self.json(fresh_vitals())
            case ["warnings"]:
                rows = sorted(WARNINGS.values(), key=lambda w: w["raised_at"], reverse=True)
                if query.get("open") == "true":
                    rows = opens()
                if query.get("open") == "false":
                    rows = [w for w in rows if w["state"] == "cleared"]
                self.page(rows, query)
            case ["warnings", key] if key in WARNINGS:
                self.json(WARNINGS[key])
            case ["cases"]:
                rows = sorted((shown(c) for c in CASES.values()), key=lambda c: c["remaining_s"])
                wanted = query.pop("state", "")
                if wanted:
                    rows = [
                        c
                        for c in rows
                        if c["state"] == wanted or (wanted == "open" and c["state"] != "closed")
                    ]
                if query.get("overdue") == "true":
                    rows = [c for c in rows if c["overdue"]]
                self.page(rows, query)
            case ["cases", key] if key in CASES:
                self.json(shown(CASES[key]))
            case ["quarantine"]:
                rows = [r for r in QUARANTINE if query.get("reason") in {None, r["reason"]}]
                start, limit = int(query.get("offset", 0)), int(query.get("limit", 100))
                counts = Counter(r["reason"] for r in QUARANTINE)
                self.json(
                    {"items": rows[start : start + limit], "total": len(rows), "counts": counts}
                )
            case ["public", "warnings"]:
                told = {"what_to_do": "请绕行,听从现场指引。", "what_to_do_en": "Take another way."}
                self.json([w | told for w in opens() if w["level"] != "blue"])
            case ["plan"]:
                self.json(
                    [
                        {"row": f"14-{i}", "title": z, "title_en": e, "pack": p, "state": s}
                        for i, (z, e, p, s) in enumerate(
                            [
                                (
                                    "综合监测预警平台",
                                    "Monitoring and early warning",
                                    "flood_drainage",
                                    "works",
                                ),
                                ("智慧水务", "Smart water", "flood_drainage", "partly"),
                                ("智慧环保", "Smart environment", "eco_environment", "partly"),
                                ("网格化管理", "Grid governance", "grid_governance", "planned"),
                            ]
                        )
                    ]
                )
            case _:
                self.json({"title": "没有这样的地址", "detail": path, "status": 404}, 404)
        # fmt: on

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        parts = urlsplit(self.path).path.removeprefix("/api/v1/").split("/")
        by = self.headers.get("X-Zhiyin-User", "user:duty")
        match parts:
            case ["warnings", key, act]:
                row = WARNINGS[key]
                row |= (
                    {"acknowledged_by": by, "acknowledged_at": iso(now())}
                    if act == "acknowledge"
                    else {"state": "cleared", "cleared_at": iso(now())}
                )
                patch("warnings", row)
                self.json(row)
            case ["cases", key, "steps"]:
                case, step = CASES[key], body["step"]
                if step in {"dispose", "void", "rework", "note"} and not body.get("note"):
                    self.json(
                        {
                            "status": 422,
                            "title": "缺办理意见",
                            "detail": "处置、返工、作废和记事要写办理意见。写上再办。",
                            "code": "command-021",
                        },
                        422,
                    )
                    return
                if step in ROAD:
                    case["state"] = STATES[ROAD.index(step) + 1]
                case["steps"].append(
                    {
                        "step": step,
                        "at": iso(now()),
                        "by": by,
                        "note": body.get("note", ""),
                        "hash": f"{random.getrandbits(128):032x}",
                    }
                )
                patch("cases", shown(case))
                self.json(shown(case))
            case ["quarantine", "replay"]:
                gone = [
                    r
                    for r in QUARANTINE
                    if r["id"] in body.get("ids", []) or r["reason"] == body.get("reason")
                ]
                for row in gone:
                    QUARANTINE.remove(row)
                self.json({"replayed": len(gone)}, 202)
            case ["dev", "red"]:
                WARNINGS["w0900"] = warning(
                    900,
                    "ponding_depth",
                    "red",
                    6,
                    0,
                    0.46,
                    "m",
                    "积水",
                    "water",
                    "depth",
                    floor=0.4,
                )
                patch("warnings", WARNINGS["w0900"])
                self.json({})
            case _:
                self.json({"title": "没有这样的地址"}, 404)

    def live(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("X-Accel-Buffering", "no")
        self.end_headers()
        at = len(PATCHES)
        try:
            self.say("hello", {"epoch": "mock", "seq": 0, "now": iso(now()), "speed": SPEED})
            self.say("warnings", {"kind": "snapshot", "items": opens()})
            while True:
                self.say(
                    "clock",
                    {
                        "now": iso(now()),
                        "speed": SPEED,
                        "data_age_s": 2 + int(time.monotonic()) % 3,
                        "gateways": 1,
                    },
                )
                for _ in range(10):
                    while at < len(PATCHES):
                        self.say(*PATCHES[at])
                        at += 1
                    time.sleep(0.1)
        except OSError:
            return

    def say(self, event: str, data: object) -> None:
        self.wfile.write(
            f"event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
        )
        self.wfile.flush()

    def file(self, path: str) -> None:
        name = {
            "/": "index.html",
            "/wall": "wall.html",
            "/bench": "bench.html",
            "/portal": "portal.html",
        }.get(path, path.lstrip("/"))
        target = (self.static / name).resolve()
        if not target.is_relative_to(self.static.resolve()) or not target.is_file():
            self.json({"title": "没有这样的地址"}, 404)
            return
        raw = target.read_bytes()
        self.send_response(200)
        kind = (
            "text/javascript"
            if name.endswith(("js", "mjs"))
            else mimetypes.guess_type(name)[0] or "application/octet-stream"
        )
        self.send_header("Content-Type", kind)
        self.send_header(
            "Content-Security-Policy",
            "default-src 'self'; script-src 'self'; worker-src 'self' blob:; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'",
        )
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def scatter(facts: Path) -> dict:
    """Invented elements, spread over the sketched streets."""
    path = facts / "streets.geojson"
    if not path.exists():
        return EMPTY
    features = []
    for street in json.loads(path.read_text())["features"]:
        ring = street["geometry"]["coordinates"][0]
        for i in range(22):
            a, b, c = (RNG.choice(ring) for _ in range(3))
            u, v = sorted((RNG.random(), RNG.random()))
            spot = [a[k] * u + b[k] * (v - u) + c[k] * (1 - v) for k in (0, 1)]
            features.append({"type": "Feature", "geometry": {"type": "Point", "coordinates": spot},
                             "properties": {"id": f"e{len(features)}", "type": RNG.choice(["ponding_point", "air_station"]), "name": f"{street['properties']['name']} {i}", "level": None}})  # fmt: skip
    return {"type": "FeatureCollection", "features": features}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--static", type=Path, default=Path("src/zhiyin/static"))
    asked.add_argument("--facts", type=Path, default=Path("src/zhiyin/atlas/facts"))
    asked.add_argument("--port", type=int, default=8780)
    wish = asked.parse_args()
    Answer.static, Answer.facts, Answer.elements = wish.static, wish.facts, scatter(wish.facts)
    server = ThreadingHTTPServer(("127.0.0.1", wish.port), Answer)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)  # noqa: T201
    threading.Thread(target=server.serve_forever).start()


if __name__ == "__main__":
    main()
