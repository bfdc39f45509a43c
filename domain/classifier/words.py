"""The words of the rule base: what a desk without a model of its own knows of tickets, in English and Chinese.

Plain data, read by `domain/classifier/rules.py`: a label has phrases with points, one for a hint to three for a word
that leaves no doubt. Phrases are separated by commas; English ones match whole words, Chinese ones anywhere.
"""

from collections.abc import Mapping
from typing import Final

from domain.ticket.fields import Kind, Priority

Phrases = Mapping[str, Mapping[int, str]]

KINDS: Final[Phrases] = {
    Kind.GETTING_STARTED: {
        3: """how to, how do i, how do we, how can i, how can we, how should i, how does one, where can i,
            where do i, where is the, where are the, is there a way, is there any way, is it possible,
            what does, step by step, what is the difference, tutorial, how much, how many, how long, 怎么,
            如何, 怎样, 怎麼, 在哪, 哪里, 哪儿, 请教, 想了解, 是什么意思, 什么意思, 什么含义, 的区别,
            有什么区别, 步骤, 入门, 教程, 是否支持, 支持吗, 可以吗, 想问""",
        2: """can i, can we, do you support, does it support, which version, what is, what are, when should,
            which one, getting started, quick start, guide, question, any example, best practice, best way,
            recommended way, change my password, documentation, wondering, am i able, are there any,
            should i, 请问, 咨询, 有没有, 吗, 哪个, 哪些, 哪种, 多少, 多大, 多久, 多长, 推荐, 文档,
            什么时候, 什么是, 新手, 第一次, 怎么办, 是不是, 能否告知, 需要什么, 需要哪些""",
        1: """how, where, help, example, examples, explain, understand, install, configure, set up, ?, ？,
            配置, 安装, 设置, 支持, 设定, 开启, 开通, 能不能, 可以, 了解, 请""",
    },
    Kind.UNEXPECTED_RESULT: {
        3: """not what i expected, different from what, differs from the documentation,
            contrary to the documentation, instead of the expected, wrong result, wrong results,
            unexpected result, unexpected results, why does, why is, why do, why are, why did, why can,
            takes no effect, no effect, does not take effect, doesn't take effect, 不生效, 没有生效, 未生效,
            没生效, 没有效果, 不起作用, 没起作用, 与预期不符, 不符合预期, 和预期不, 跟预期不, 与文档不,
            和文档不, 跟文档不, 结果不对, 为什么, 为何, 为啥""",
        2: """unexpected, expected, instead of, inconsistent with, different results, surprising,
            not as documented, am i doing something wrong, what am i doing wrong, what did i do wrong,
            is this expected, is it normal, 正常吗, 预期, 不一样, 是不是我, 没按, 不符, 怎么还是, 怎么没,
            怎么会, 怎么不""",
        1: """why, different, 不对, 不同, 奇怪""",
    },
    Kind.FAULT: {
        3: """crash, crashes, crashed, crashing, exception, stack trace, traceback, segfault,
            segmentation fault, outage, deadlock, memory leak, data loss, corrupted, corruption, corrupt,
            not working, doesn't work, does not work, stopped working, http 500, error 500, 500 internal,
            internal server error, is down, are down, down since, bug, regression, unresponsive,
            unavailable, core dump, panic, hacked, 报错, 崩溃, 宕机, 故障, 不可用, 挂了, 卡死, 卡住, 死锁,
            闪退, 白屏, 丢失, 损坏, 打不开, 连不上, 登不上, 乱码, 泄漏, 泄露, 失败, 异常, 出错, 瘫痪, 被盗,
            中断, 断开, 掉线, 死机, 起不来, 无法启动, 无响应, 没反应, 没有响应, 停止工作, 泄密, 被删""",
        2: """error, errors, fail, fails, failed, failing, failure, broken, breaks, hang, hangs, hung,
            freeze, freezes, frozen, timeout, timed out, times out, can't connect, cannot connect,
            won't start, won't open, does not start, cannot, can not, unable to, permission denied,
            connection refused, undefined, invalid, lost, missing, stuck, duplicated, did not start, wrong,
            incorrect, disappears, disappeared, flaky, leak, mismatch, never finishes, no longer, fix, 错误,
            无法, 超时, 不能, 不刷新, 不更新, 不显示, 不上传, 不同步, 不工作, 重复执行, 重复数据, 没有自动,
            拒绝, 出现重复, 丢了, 不见了, 消失, 坏了, 假死, 延迟很大, 变成, 反复, 变慢, 很慢, 特别慢,
            越来越慢, 飙高, 打满, 不动了, 停了, 没有触发, 不触发, 没触发, 没有执行, 没执行, 对不上, 漏了,
            不一致""",
        1: """issue, problem, slow, steps to reproduce, repro, actual behavior, actual behaviour, log, logs,
            assert, after updating, after upgrading, since the update, since yesterday, suddenly, 问题, 慢,
            提示, 突然, 重启, 升级后, 告警, 异动""",
    },
    Kind.COMPLAINT: {
        3: """unacceptable, complain, complaint, refund, apology, apologize, apologise, disappointed,
            disappointing, rude, terrible service, worst, fed up, ridiculous, nobody answered,
            nobody answers, no one answered, nobody replied, no answer, no reply, billed twice,
            billed us twice, charged twice, charged us twice, overcharged, ignore my, ignored my,
            ignoring my, ignores my, ignoring us, waste of time, wasting my time, wasted our time,
            without telling, without announcement, without notice, without warning, without asking,
            breach of contract, heard nothing, third time, unprofessional, incompetent, dissatisfied,
            unhappy, copy and paste answer, lost trust, 投诉, 态度, 不满, 退款, 退费, 道歉, 赔偿, 推来推去,
            踢皮球, 敷衍, 失望, 太差, 很差, 质量差, 忍无可忍, 换人, 多收, 乱收费, 多算, 糟糕, 不负责,
            答非所问, 差评, 凭什么, 没人理, 没人回, 没人管, 没人处理, 无人处理, 无人回复, 无人理, 太慢了,
            气愤, 离谱, 承诺的, 说好的, 不专业, 忽悠, 欺骗, 虚假, 不兑现, 没有兑现, 严重怀疑, 复制粘贴,
            不耐烦""",
        2: """nobody, no response, still waiting, ignored, ignore, terrible, awful, horrible, poor support,
            bad service, your support, your engineer, your engineers, promised, several times, for days,
            for weeks, again and again, unhelpful, useless, invoice, invoices, angry, annoyed, annoying,
            催了, 一直没, 一直拖, 拖了, 好几天, 三次, 几次, 多次, 没人, 解释, 客服, 白花, 花了钱, 浪费,
            反而更, 没有测试, 没测试, 认真看, 没看, 没有通知, 没通知, 不通知, 擅自, 账单, 发票, 骗, 慢得,
            你们到底, 能不能认真, 无语, 受不了""",
        1: """you, your, sla, again, weeks, charged, 你们, 服务, 工程师, 还是没, 居然, 竟然, 还没, 不回""",
    },
    Kind.SUGGESTION: {
        3: """feature request, feature, suggestion, suggest, would be nice, would be great,
            would be helpful, would be useful, would be good, would like to see, would love, please add,
            please support, add support, add an option, add a way, enhancement, proposal, wish,
            it would help, could you add, consider adding, request for, allow users, should be possible,
            should support, should allow, nice to have, rfc, single sign-on, 建议, 希望, 能否增加, 能否支持,
            能否提供, 能否加, 能不能加, 能不能增加, 能不能支持, 可否, 增加, 新增, 加上, 加一个, 加个, 期待,
            希望能, 希望支持, 最好能, 要是能, 如果能, 更方便, 更直观, 更安全, 优化一下, 改进, 功能需求,
            需求""",
        2: """add, allow, support for, support, improve, improvement, improvements, implement, provide,
            introduce, enable, option to, ability to, could be, make it, make the, default to, expose,
            extend, better, more flexible, customizable, dark mode, keyboard shortcut, shortcuts, optional,
            优化, 提供, 能否, 能支持, 支持一下, 目前只, 默认, 自定义, 快捷键, 批量, 一键, 完善, 加入,
            改成""",
        1: """should, instead of having, could, refactor, update, remove, use, allow to, show, display,
            automatically, 目前, 现在只能, 改为, 会更, 方便, 能""",
    },
    Kind.PRESALES: {
        3: """price list, pricing, quote, quotation, before we buy, before buying, thinking of buying,
            want to buy, want to purchase, free trial, trial license, trial licence, proof of concept,
            discount, license cost, licence cost, reseller, tender, talk to sales, contact sales,
            sales team, evaluating your, enterprise plan, enterprise edition, request a demo, cost per,
            how much does it cost, how much would, 报价, 价格, 多少钱, 采购, 购买, 试用, 折扣, 优惠, 授权费,
            许可费, 招标, 投标, 选型, 售前, 商务, 代理商, 演示一下, 产品演示, 怎么收费, 如何收费, 收费标准,
            想买, 打算买, 考虑购买, 企业版""",
        2: """price, prices, cost, costs, purchase, buy, trial, demo, evaluate, evaluation, evaluating,
            budget, contract, poc, plans, volume licensing, license, licence, 收费, 费用, 合同, 演示, 预算,
            对比, 竞品, 测试环境申请, 授权, 许可, 案例, 客户案例, 白皮书, 方案""",
        1: """sales, compare, competitor, 评估, 销售""",
    },
}

PRIORITIES: Final[Phrases] = {
    Priority.CRITICAL: {
        3: """outage, production is down, production down, is down, are down, everything is down,
            down since, data loss, lost all, losing data, all users, all customers, nobody can,
            security breach, hacked, compromised, ransomware, leaked, deleted all, completely unavailable,
            critical, cluster down, service down, site down, 宕机, 不可用, 瘫痪, 数据丢失, 丢数据, 全部挂,
            都挂了, 全挂, 生产环境挂, 被盗, 泄露, 被入侵, 入侵, 勒索, 被删除, 全部失败, 全站, 所有用户,
            所有人, 全公司, 立刻, 大面积, 无法提供服务""",
        2: """production, unavailable, security, breach, crashed, both, 生产, 主库, 冻结, 所有, 全部,
            核心业务, 线上, 脑裂""",
        1: """down, everyone, everybody, 都, 紧急""",
    },
    Priority.HIGH: {
        3: """urgent, urgently, asap, as soon as possible, blocking, blocked, blocker, high priority,
            right now, immediately, refund, unacceptable, billed twice, billed us twice, charged twice,
            deadline, nobody answered, workaround needed, 紧急, 尽快, 马上, 加急, 严重, 影响业务, 影响生产,
            无法工作, 退款, 连续, 多收, 重复扣, 重复数据, 赔偿, 不一致, 投诉""",
        2: """many users, several customers, for days, data, corrupt, corrupted, corruption, mismatch,
            backup, crash, crashes, every time, customers, whole, without announcement, days, duplicate,
            duplicated, twice, 备份, 大量, 多台, 多个用户, 数据, 校验, 频繁, 反复, 几天, 三次, 大批, 停了,
            丢失, 损坏, 担心, 客户""",
        1: """important, severe, fails, failed, failure, soon, today, 失败, 今天, 昨天, 崩溃, 超时""",
    },
    Priority.NORMAL: {
        2: """everything else works, sometimes, occasionally, one machine, single, 单台, 单个, 偶尔,
            其它机器, 其他机器, 手动刷新, 有时""",
        1: """error, slow, stuck, does not, permission, page, 提示, 页面, 报错, 慢, 显示, 权限""",
    },
    Priority.LOW: {
        3: """feature request, suggestion, would be nice, nice to have, when you have time, no hurry,
            not urgent, minor, typo, cosmetic, low priority, wish, just curious, 建议, 不急, 有空, 错别字,
            小问题, 希望, 期待, 想了解, 请问, 请教""",
        2: """how do i, how can i, how to, where can i, where is, what does, what is, how long, question,
            add, improve, 怎么, 如何, 哪里, 在哪, 能否, 能不能, 区别, 增加, 优化, 多久, 多少, 吗""",
        1: """?, ？, could, 支持, 方便, 了解""",
    },
}

PRIORITY_OF_KIND: Final[Mapping[str, Mapping[str, int]]] = {
    Kind.USAGE: {Priority.LOW: 3, Priority.NORMAL: 1},
    Kind.GETTING_STARTED: {Priority.LOW: 3, Priority.NORMAL: 1},
    Kind.UNEXPECTED_RESULT: {Priority.NORMAL: 3, Priority.LOW: 1},
    Kind.FAULT: {Priority.NORMAL: 4, Priority.HIGH: 1},
    Kind.COMPLAINT: {Priority.NORMAL: 3, Priority.HIGH: 3},
    Kind.SUGGESTION: {Priority.LOW: 5},
    Kind.PRESALES: {Priority.NORMAL: 3, Priority.LOW: 2},
}
"""Points that a kind alone gives a priority."""

CATEGORIES: Final[Phrases] = {
    "storage": {
        3: """disk, disks, storage, volume, volumes, snapshot, snapshots, file system, filesystem, mount,
            mounted, mounting, backup, backups, restore, bucket, buckets, s3, object storage, nfs, replica,
            replicas, raid, quota, erasure coding, 磁盘, 存储, 硬盘, 快照, 文件系统, 挂载, 备份, 恢复,
            对象存储, 网盘, 配额, 副本, 纠删码, 卷, 数据迁移, 压缩, 元数据""",
        1: """file, files, upload, uploads, uploaded, download, folder, directory, space, cache, 文件, 上传,
            下载, 目录, 空间, 容量, 缓存""",
    },
    "network": {
        3: """network, networking, vpn, dns, firewall, router, proxy, wifi, wi-fi, ip address, packet loss,
            latency, bandwidth, load balancer, subnet, peer, peers, tcp, udp, 网络, 防火墙, 路由, 代理,
            域名, 丢包, 带宽, 专线, 负载均衡, 交换机, 网关""",
        1: """connection, connect, connected, port, ports, ssl, tls, certificate, ping, node, nodes,
            timeout, 连接, 端口, 证书, 延迟, 断网""",
    },
    "compute": {
        3: """cpu, gpu, cuda, virtual machine, vm, vms, instance, instances, kernel, container, containers,
            kubernetes, pod, pods, out of memory, oom, training, tensor, inference, 虚拟机, 实例, 容器,
            内存不足, 显卡, 显存, 算力, 训练, 服务器, 云主机""",
        1: """memory, server, job, jobs, compile, build, model, thread, threads, process, 内存, 任务, 编译,
            进程, 模型, 调度""",
    },
    "client": {
        3: """browser, chrome, firefox, safari, desktop app, mobile app, app, ios, android, ui,
            user interface, button, extension, devtools, editor, screen, window, windows client, 浏览器,
            客户端, 手机, 安卓, 界面, 按钮, 控制台, 页面, 插件, 桌面端, 小程序""",
        1: """page, click, menu, dialog, tab, theme, font, render, component, keyboard, mouse, 点击, 菜单,
            弹窗, 主题, 字体, 显示, 刷新""",
    },
    "account": {
        3: """password, passwords, login, log in, sign in, signin, account, accounts, two-factor, 2fa, mfa,
            sso, single sign-on, oidc, saml, ldap, 密码, 登录, 登陆, 账号, 帐号, 账户, 验证码, 单点登录,
            注册, 实名""",
        1: """token, permission, permissions, role, roles, user, users, 权限, 角色, 用户, 令牌""",
    },
    "billing": {
        3: """invoice, invoices, billing, bill, billed, refund, charge, charged, payment, subscription,
            price, pricing, quote, 发票, 账单, 扣费, 退款, 费用, 付款, 续费, 报价, 价格, 收费, 多收, 订阅,
            充值""",
        1: """cost, plan, contract, renew, 合同, 套餐, 采购""",
    },
}
"""Proposed only where the desk has a category of this name, or none at all."""
