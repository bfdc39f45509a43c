"""The words of the made-up tickets: English and Chinese, from everyday words to codes that stand on one ticket."""

from random import Random
from typing import Final

CATEGORIES: Final = ("network", "accounts", "hardware", "storage", "printing", "mail", "database", "billing")
ENGLISH_THINGS: Final = [
    "printer",
    "scanner",
    "disk",
    "network",
    "switch",
    "router",
    "firewall",
    "laptop",
    "monitor",
    "keyboard",
    "mailbox",
    "calendar",
    "database",
    "backup",
    "certificate",
    "licence",
    "invoice",
    "password",
    "account",
    "portal",
    "cluster",
    "node",
    "server",
    "proxy",
    "gateway",
    "tunnel",
    "headset",
    "camera",
    "dashboard",
    "report",
    "export",
    "import",
    "spreadsheet",
    "attachment",
    "signature",
    "queue",
    "scheduler",
    "replica",
    "snapshot",
    "volume",
]
ENGLISH_TROUBLES: Final = (
    "is full", "does not answer", "stopped printing", "loses packets", "was locked", "shows a blank page",
    "refuses to connect", "runs very slowly", "crashed twice", "reports a wrong total", "cannot be opened",
    "keeps restarting", "has expired", "forgets its settings", "sends duplicated messages", "overheats",
)  # fmt: skip
ENGLISH_PLACES: Final = (
    "on the third floor", "in the Berlin office", "since the upgrade", "for the sales team", "after the reboot",
    "in production", "on every second login", "at the branch in Lyon", "since Monday", "during the night shift",
)  # fmt: skip
ENGLISH_SENTENCES: Final = (
    "Since this morning the {thing} {trouble}, and nobody on our side changed anything.",
    "We restarted it twice and the {thing} still {trouble}.",
    "The log in {path} says {code} and then nothing more.",
    "It began with version {version}; the machine {address} is the one that matters.",
    "Please call me back before noon, the whole team is waiting for the {thing}.",
    "A colleague had the same with her {other} last week and a new cable helped.",
    "The display says that everything is ready, the queue is empty, and switching it off did not help.",
    "Could you also look at the {other}? It {trouble} {place}.",
    "We followed the article about the {thing} step by step until step four.",
    "This blocks month end closing, so please treat it as urgent.",
)  # fmt: skip
CHINESE_THINGS: Final = [
    "打印机",
    "磁盘",
    "网络",
    "交换机",
    "路由器",
    "防火墙",
    "笔记本",
    "显示器",
    "邮箱",
    "日历",
    "数据库",
    "备份",
    "证书",
    "许可证",
    "发票",
    "密码",
    "账号",
    "门户",
    "集群",
    "服务器",
    "代理",
    "网关",
    "隧道",
    "耳机",
    "摄像头",
    "报表",
    "表格",
    "附件",
    "签名",
    "队列",
    "副本",
    "快照",
    "存储卷",
    "电话",
    "会议室",
]
CHINESE_TROUBLES: Final = (
    "空间不足", "没有反应", "无法打印", "频繁掉线", "被锁定了", "显示空白页面", "拒绝连接", "运行缓慢", "崩溃了两次",
    "金额不对", "打不开", "不断重启", "已经过期", "丢失了设置", "重复发送消息", "温度过高",
)  # fmt: skip
CHINESE_PLACES: Final = (
    "三楼办公室", "上海分公司", "升级之后", "销售部门", "重启以后", "生产环境", "每次登录时", "深圳机房", "从周一开始",
    "夜班期间",
)  # fmt: skip
CHINESE_SENTENCES: Final = (
    "从今天早上开始{thing}{trouble}，我们这边没有做任何改动。",
    "已经重启过两次，{thing}仍然{trouble}。",
    "日志 {path} 里写着 {code}，之后就没有内容了。",
    "问题从版本 {version} 开始出现，主要是 {address} 这台机器。",
    "请在中午之前回电，整个团队都在等{thing}恢复。",
    "同事上周的{other}也出现过同样的情况，换了线缆就好了。",
    "屏幕显示一切正常，队列是空的，关机再开也没有用。",
    "能否顺便看一下{other}？{place}它也{trouble}。",
    "我们按照知识库里关于{thing}的文章一步一步操作到第四步。",
    "这影响月底结账，请尽快处理。",
)  # fmt: skip


def skewed(random: Random, count: int) -> int:
    """A number below `count`, the small ones often: words of a language are not used alike."""
    return int(count * random.random() ** 2.5)


def code(random: Random) -> str:
    return f"E{random.randrange(1000, 10_000)}"


def subject(random: Random, *, chinese: bool) -> str:
    """A line such as people write."""
    if chinese:
        parts = (CHINESE_PLACES, CHINESE_THINGS, CHINESE_TROUBLES)
        return "".join(words[skewed(random, len(words))] for words in parts)
    thing = ENGLISH_THINGS[skewed(random, len(ENGLISH_THINGS))]
    trouble = ENGLISH_TROUBLES[skewed(random, len(ENGLISH_TROUBLES))]
    return f"The {thing} {trouble} {ENGLISH_PLACES[skewed(random, len(ENGLISH_PLACES))]}"


def body(random: Random, sentences: int, *, chinese: bool) -> str:
    """Some sentences about a thing or two."""
    things = CHINESE_THINGS if chinese else ENGLISH_THINGS
    troubles = CHINESE_TROUBLES if chinese else ENGLISH_TROUBLES
    places = CHINESE_PLACES if chinese else ENGLISH_PLACES
    facts = {
        "thing": things[skewed(random, len(things))],
        "other": things[skewed(random, len(things))],
        "trouble": troubles[skewed(random, len(troubles))],
        "place": places[skewed(random, len(places))],
        "code": code(random),
        "version": f"v{random.randrange(1, 6)}.{random.randrange(20)}.{random.randrange(30)}",
        "path": f"/var/log/app{random.randrange(400)}/{random.choice(('error', 'access', 'sync'))}.log",
        "address": f"10.{random.randrange(4)}.{random.randrange(256)}.{random.randrange(256)}",
    }
    forms = CHINESE_SENTENCES if chinese else ENGLISH_SENTENCES
    chosen = random.sample(forms, min(sentences, len(forms)))
    return ("" if chinese else " ").join(form.format(**facts) for form in chosen)
