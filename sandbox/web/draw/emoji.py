"""The emoji names that Tidings uses; others are shown by name."""

from markupsafe import Markup

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
    "file_folder": "📁",
}  # fmt: skip

#: What stands in lists for a provider is drawn here: a machine without a font of such pictures shows boxes.
_SHAPES = {
    "ledger": '<rect x="3" y="1.5" width="11" height="13" rx="1.5" fill="#2f8f5b"/>'
    '<rect x="3" y="1.5" width="2.6" height="13" fill="#1f6b42"/>'
    '<path d="M7.5 5h4.5M7.5 7.5h4.5" stroke="#fff" stroke-width="1.2"/>',
    "shopping_trolley": '<path d="M1 2.5h2.2l1.9 7.5h7.2l1.9-5.5H4" fill="none" stroke="#5a7d1a" stroke-width="1.7"/>'
    '<circle cx="6" cy="13" r="1.5" fill="#5a7d1a"/><circle cx="11.5" cy="13" r="1.5" fill="#5a7d1a"/>',
    "package": '<rect x="1.5" y="3.5" width="13" height="11" rx="1" fill="#b9793a"/>'
    '<rect x="6.4" y="3.5" width="3.2" height="4.5" fill="#e8c999"/>'
    '<rect x="1.5" y="3.5" width="13" height="2" fill="#8f5a26"/>',
    "inbox_tray": '<path d="M1.5 9v5.5h13V9h-3.5l-1 2H6L5 9z" fill="#4a6fa5"/>'
    '<path d="M8 1v6M5.4 4.6 8 7.4l2.6-2.8" fill="none" stroke="#4a6fa5" stroke-width="1.7"/>',
    "file_folder": '<path d="M1.5 3h5l1.5 2h6.5v8.5h-13z" fill="#d9a93a"/>',
    "warning": '<path d="M8 1.2 15.3 14.5H.7z" fill="#d98a00"/>'
    '<path d="M8 5.6v4.6M8 11.6v1.7" stroke="#fff" stroke-width="1.7"/>',
}
#: name -> a small picture of our own
DRAWN = {
    name: Markup(
        '<svg class="emoji" role="img" aria-label="{}" width="16" height="16" viewBox="0 0 16 16">{}</svg>'
    ).format(name.replace("_", " "), Markup(shape))  # noqa: S704 - the shapes stand above
    for name, shape in _SHAPES.items()
}
