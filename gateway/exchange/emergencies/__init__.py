"""Break-glass (rule R15): two officers set aside consent, quota and hours for a few hours; alarm and review follow."""
