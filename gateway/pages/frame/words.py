"""What the frame calls things, in Chinese and English."""

from __future__ import annotations

from gateway.pages.public.words import Text

ENVIRONMENTS = {
    "test": Text("测试", "Test"),
    "pilot": Text("试点", "Pilot"),
    "live": Text("正式", "Live"),
}
ROLES = {
    "department": Text("数据提供部门", "Department"),
    "street_office": Text("街道办事处", "Street office"),
    "compliance": Text("合规监督", "Compliance"),
    "bureau": Text("数据共享主管部门", "Data bureau"),
    "resident": Text("居民", "Resident"),
}
METHODS = {
    "password": Text("密码", "Password"),
    "totp": Text("动态验证码", "One-time code"),
    "passkey": Text("通行密钥", "Passkey"),
    "recovery": Text("恢复码", "Recovery code"),
    "oidc": Text("统一身份认证", "Identity provider"),
}
