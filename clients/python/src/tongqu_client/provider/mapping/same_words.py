"""Words that departments use for one another: 安检 and 检查, 镇街 and 街道, 津贴 and 补贴; and words that add nothing.

Two names that are the same once these are exchanged mean the same thing most of the time, so never for certain.
"""

from __future__ import annotations

import re
from functools import cache

_SAME = {
    "检查": "安检 巡检 巡查 排查 督查 抽查 检验",
    "街道": "镇街 街镇 乡镇 镇（街） 街乡 镇办 街办",
    "社区": "村居 村社区 居委会 居委 村委会 村",
    "补贴": "津贴 补助金 补助 资助",
    "编号": "单号 号码 编码 代码 流水号 序列号 档案号 字号 号",
    "身份证": "身份证件 公民身份 居民身份证 公民身份证",
    "起始": "开始 起算 开启 启始",
    "截止": "终止 结束 到期 届满",
    "日期": "时间 年月日 日子",
    "类别": "类型 种类 分类 类",
    "等级": "级别 程度 分级 档次",
    "状态": "状况 情况",
    "单位": "机构 部门 机关 公司 企业",
    "地址": "住址 详址 位置 坐落 座落 地点",
    "住房": "房屋 出租屋 租赁房屋",
    "电话": "手机号 手机 联系电话 联系方式 电话号码",
    "完成": "办结 完结 做完",
    "说明": "描述 内容 详情 概述",
    "租客": "租户 承租人 承租方",
    "房东": "房主 业主 出租人 屋主 出租方",
    "金额": "额度 款额 数额 标准",
    "评估": "评定 测评",
    "登记": "备案登记 注册",
    "享受": "领取 发放",
    "处置": "处理 办理",
    "下发": "派发 下达 布置 交办",
    "承办": "承接 承担 办理单位",
    "发布": "公布 发文 印发",
    "频率": "周期 频次 频度",
    "提供": "供给 报送方",
}
_FOR = {word: one for one, listed in _SAME.items() for word in listed.split()}
_ALL = re.compile("|".join(sorted(map(re.escape, _FOR), key=len, reverse=True)))
_IDLE = re.compile(
    "^(所属|所在|所在地|当前|目前|现在|本次|最新|具体|详细|实际|有关|相关|该|其|是否|有无|享受)|(名称|信息|代码名称|情况说明)$"
)


@cache
def exchanged(name: str) -> str:
    """A plain Chinese name with one word for each meaning and without idle words; empty if hardly anything is left."""
    bare = _IDLE.sub("", name)
    found = _ALL.sub(lambda match: _FOR[match[0]], bare)
    return found if len(found) > 1 else ""
