// Makes a page the same whenever it is looked at: its times, dates, durations and traces are
// those of an example. Returns how far down the page the picture begins.
(from, open) => {
  for (const e of open ? document.querySelectorAll(open) : []) e.open = true;
  let n = 0;
  for (const t of document.querySelectorAll("time[datetime]")) {
    n++;
    if ("exact" in t.dataset) { t.removeAttribute("datetime"); t.textContent = "2026-06-01 09:30:00 UTC"; continue; }
    t.dateTime = new Date(Date.now() - (n % 40 + 2) * 61000).toISOString(); // app.js goes on counting
  }
  document.dispatchEvent(new Event("visibilitychange"));
  const year = new Date().getFullYear();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let t = texts.nextNode(); t; t = texts.nextNode()) {
    if (t.parentElement.closest("time, script")) continue;
    t.data = t.data
      .replace(/\b(\d{4})-\d\d-\d\d\b/g, (_, y) => (2026 + Number(y) - year) + "-06-01")
      .replace(/http:\/\/127\.0\.0\.1:\d+/g, "https://webservices.autotask.example")
      .replace(/127\.0\.0\.1:\d+/g, "America East")
      .replace(/\b\d\d:\d\d:\d\d(\.\d+)?( UTC)?\b/g, "09:30:00$2")
      .replace(/\b\d+(\.\d+)?( ms| s| seconds?)\b/g, "0.4 s")
      .replace(/\b[0-9a-f]{16,}\b/g, "4bf92f3577b34da6a3ce929d0e0e4736");
  }
  document.activeElement?.blur();
  const top = from ? document.querySelector(from).getBoundingClientRect().top + scrollY - 16 : 0;
  return Math.max(0, Math.floor(top));
}
