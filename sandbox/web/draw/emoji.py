"""The emoji names that Tidings uses; others are shown by name."""

EMOJI = {
    "white_check_mark": "✅", "heavy_check_mark": "✔️", "warning": "⚠️", "x": "❌", "no_entry": "⛔",
    "hourglass": "⌛", "hourglass_flowing_sand": "⏳", "arrows_counterclockwise": "🔄", "rotating_light": "🚨",
    "bell": "🔔", "no_bell": "🔕", "clock3": "🕒", "alarm_clock": "⏰", "stopwatch": "⏱️", "link": "🔗", "lock": "🔒",
    "large_green_circle": "🟢", "large_yellow_circle": "🟡", "large_orange_circle": "🟠", "red_circle": "🔴",
    "white_circle": "⚪", "large_blue_circle": "🔵", "black_circle": "⚫", "information_source": "ℹ️", "eyes": "👀",
    "bar_chart": "📊", "chart_with_upwards_trend": "📈", "calendar": "📅", "email": "✉️", "envelope": "✉️",
    "inbox_tray": "📥", "outbox_tray": "📤", "package": "📦", "memo": "📝", "mag": "🔍", "bulb": "💡", "wave": "👋",
    "tada": "🎉", "sos": "🆘", "electric_plug": "🔌", "wrench": "🔧", "gear": "⚙️", "zzz": "💤", "point_right": "👉",
    "thumbsup": "👍", "+1": "👍", "question": "❓", "exclamation": "❗", "heavy_minus_sign": "➖", "receipt": "🧾",
    "shopping_trolley": "🛒", "ledger": "📒", "books": "📚", "sparkles": "✨", "newspaper": "📰", "pause_button": "⏸️",
}  # fmt: skip
