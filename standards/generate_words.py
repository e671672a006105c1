"""The few words made-up records are written with: names, roads, offices, matters. All invented for this project."""

from __future__ import annotations

SURNAMES = "林陈黄郑许沈韩冯曹彭萧蔡潘袁于董余苏叶吕魏蒋田杜丁"
LONG_SURNAMES = ("欧阳", "司马", "上官", "诸葛")
GIVEN = "安宁清和文远知夏书言若水景行思齐星河云舒明轩子墨以南时雨望舒青禾"
OTHER_NAMES = ("阿依古丽·买买提", "古丽努尔·阿不都", "扎西次仁", "斯琴高娃·巴特尔")

COUNTY = "990101"  # no place: GB/T 2260 has no province 99
ELSEWHERE = "990900"  # where the floating population is registered
STREETS = {"990101001": "椴树街道", "990101002": "榆树街道", "990101003": "银杏街道"}
ROADS = ("和平路", "新华大道", "桂花巷", "望江街", "文昌里", "长堤横街", "春晓路", "石榴弄")

OFFICES = (
    "椴树街道办事处", "榆树街道办事处", "银杏街道办事处", "民政局", "公安局", "人力资源和社会保障局",
    "住房和城乡建设局", "市场监督管理局", "卫生健康局", "应急管理局", "城市管理局", "政务服务和数据管理局",
)  # fmt: skip
TRADES = ("超市", "物业管理", "餐饮", "电子科技", "建筑装饰", "快递服务", "家政服务", "五金制品")

# By dictionary element: what an office would write there. Titles serve as names of matters, steps and materials.
PHRASES = {
    "title": (
        "居住登记", "高龄津贴申领", "临时救助申请", "灵活就业登记", "出租屋备案", "残疾人证换领", "食品经营许可",
        "身份证明",
    ),
    "sentence": (
        "本辖区内常住居民", "依法依规办理，资料齐全的当场受理", "以登记在册的记录为准", "每季度末由社区复核一次",
        "用于核对居民的居住情况", "仅限本次办理使用",
    ),
    "longText": (
        "楼道堆放杂物，占用消防通道，已现场劝导并要求当日清理", "路面井盖松动，夜间有安全隐患，已放置警示标志",
        "经核实情况属实，已通知责任单位限期整改，并将结果告知反映人", "办理过程清楚，等候时间较短，材料一次说明",
    ),
    "organisationName": tuple(f"示例{trade}有限公司" for trade in TRADES),
    "lawArticle": ("第三条", "第十二条"),
    "documentNumber": ("示发〔2026〕12号", "示办〔2025〕3号"),
}  # fmt: skip
