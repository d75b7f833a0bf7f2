// What a page does beyond links and forms: live parts, times that keep on being
// right, copying. Everything works without it.
"use strict";

(() => {
  // A page with live parts asks for them at its own URL: every two seconds while it is looked at,
  // once a minute while it is not, later and later while nobody answers. No connection is held,
  // so that a browser may have any number of tabs open. See decision 044.
  const liveType = "text/vnd.channelsync.live+html";
  const often = 2000, unseen = 60000, seldom = 30000, patience = 10000, late = 6000;
  // Times go by the service's clock, whatever the reader's says.
  let offset = 0;
  const now = () => Date.now() + offset;
  // Only what the way of an answer does not explain is a difference of the clocks.
  function setClock(told, asked, answered) {
    const at = Number(told);
    if (at) offset = at - Math.min(Math.max(at, asked), answered);
  }
  const opened = performance.getEntriesByType("navigation")[0], began = Date.now() - performance.now();
  setClock(document.getElementById("main")?.dataset.now, began + (opened?.requestStart ?? 0), began + (opened?.responseStart ?? performance.now()));

  const live = document.getElementById("live");
  const behind = document.getElementById("behind");
  const shown = new Map(); // the parts as they were answered, by id
  let tag = "", current = Date.now(), failed = 0, timer = 0, asked = 0, asking = null;
  const build = document.getElementById("main")?.dataset.build; // what this page is made of
  let newer = false; // the service is of another version, and somebody is working in this page
  let held = 0; // since when something newer waits for somebody to be done; 0: nothing does

  async function ask() {
    clearTimeout(timer);
    if (asking) return;
    const mine = asking = new AbortController();
    asked = Date.now();
    const over = setTimeout(() => mine.abort(), patience);
    let wait = 0;
    try {
      const answer = await fetch(location.pathname + location.search, {
        headers: { Accept: liveType, "If-None-Match": tag }, redirect: "manual", cache: "no-store", signal: mine.signal,
      });
      const heard = Date.now();
      const ours = (answer.headers.get("Content-Type") || "").startsWith(liveType);
      // The session has ended, or the page may not be seen any more: the page itself says so.
      // A redirect is none of ours: it is a proxy's or a hotel's, and leads nowhere.
      if (ours && [401, 403, 404].includes(answer.status)) {
        location.reload();
        wait = seldom;
        throw new Error("the page is not loaded anew yet");
      }
      const other = answer.headers.get("Service-Build");
      if ((ours || answer.status === 304) && other && other !== build) upgraded(other);
      if (answer.ok && ours) tag = show(await answer.text()) ? answer.headers.get("ETag") || "" : "";
      else if (answer.status !== 304 || !tag) {
        wait = Math.min(Number(answer.headers.get("Retry-After")) || 0, 60) * 1000;
        throw new Error("no answer of ours");
      }
      setClock(answer.headers.get("Service-Time"), asked, heard);
      current = Date.now();
      failed = 0;
    } catch { failed++; }
    clearTimeout(over);
    asking = null;
    say();
    next(wait);
  }

  function next(wait) {
    clearTimeout(timer);
    let pause = document.hidden ? unseen : often;
    // Not all tabs come back at the same moment.
    if (failed > 0) pause = Math.max(pause, wait, Math.min(seldom, often * 2 ** (failed - 1)) * (0.8 + 0.4 * Math.random()));
    timer = setTimeout(ask, pause);
  }

  // Parts of another version may not fit into this page: it is loaded anew, unless somebody is working in it or reads what is
  // wrong with a form. Once for each version: while instances of two versions answer in turn, that would never end.
  function upgraded(other) {
    newer = true;
    if (busy(document.documentElement) || document.getElementById("problem")) return;
    try {
      const builds = (sessionStorage.getItem("builds") ?? "").split(" ");
      if (builds.includes(other)) return;
      sessionStorage.setItem("builds", [...builds, other].join(" ").trim());
    } catch { return; }
    location.replace(location.pathname + location.search); // a reload would send a form again
  }

  // True when all of it is shown: a part that somebody is working in stays as it is, and is asked for again.
  function show(html) {
    const answered = document.createElement("template");
    answered.innerHTML = html;
    let all = true;
    for (const part of answered.content.querySelectorAll("[data-part]")) {
      const old = document.getElementById(part.id);
      const text = untimed(part);
      if (!old || shown.get(part.id) === text) continue;
      if (busy(old)) { all = false; continue; }
      shown.set(part.id, text);
      put(old, part);
    }
    held = all ? 0 : held || Date.now();
    tick();
    return all;
  }

  // That time goes by is nothing newer.
  const untimed = (part) => part.outerHTML.replace(/(<time [^>]*>)[^<]*/g, "$1");

  // Puts a part in the place of what it was. What was unfolded stays so, and the focus stays on the
  // same control, or on the part if that is gone: never on another control, which Enter would press.
  function put(old, part) {
    const active = old.contains(document.activeElement) ? document.activeElement : null;
    const next = active && counterpart(active, old, part);
    const folds = old.querySelectorAll("details"), anew = part.querySelectorAll("details");
    folds.forEach((fold, i) => {
      const same = counterpart(fold, old, part) ?? (folds.length === anew.length ? anew[i] : null);
      if (same) same.open = fold.open;
    });
    old.replaceWith(part);
    if (!active) return;
    if (!next) part.tabIndex = -1;
    (next ?? part).focus({ preventScroll: true });
  }

  // The same thing in a part that is newer: of those that are named alike, the one in the same position.
  function counterpart(e, old, part) {
    const alike = (root) => [...root.querySelectorAll(e.tagName)].filter((other) => named(other) === named(e));
    const found = alike(part);
    return found[Math.min(alike(old).indexOf(e), found.length - 1)];
  }

  function named(e) {
    if (e.id) return e.id;
    const summary = e.closest("summary") ?? e.querySelector(":scope > summary");
    return [...["href", "name", "value"].map((of) => e.getAttribute(of)), e.closest("form")?.getAttribute("action"),
      summary?.textContent.replace(/[\d.,]+/g, "")].join("\n"); // the figures in it are what changes
  }

  // Says that the page is behind once it is, or that somebody's own work holds something back, and
  // nothing as soon as neither is so. Looking again after a night is no reason: only that no answer comes.
  function say() {
    const at = Date.now();
    current = Math.min(current, at); // a clock that was set back is no reason to say nothing
    const unanswered = failed > 0 || (asking !== null && Math.abs(at - asked) > late / 2);
    let text = "";
    if (unanswered && at - current > late) text = "Not up to date since " + clock(current) + "; trying again…";
    else if (newer) text = "There is a new version of this console. Reload this page to use it.";
    else if (held && at - held > late) text = "Something has changed since " + clock(held) + ". The change is shown once you are done with what you entered, ticked or selected.";
    if ((document.hidden && text) || behind.textContent === text) return;
    behind.textContent = text;
  }

  function clock(at) {
    const text = exact(new Date(at + offset)).slice(0, 16);
    return (Date.now() - at < 43200000 ? text.slice(11) : text) + (utc ? " UTC" : "");
  }

  if (live) {
    for (const part of document.querySelectorAll("[data-part]")) shown.set(part.id, untimed(part));
    const soon = () => {
      if (!document.hidden && (failed > 0 || Date.now() - current >= often)) ask();
      else next(0); // it may come back with no timer, when it was left just now
    };
    document.addEventListener("visibilitychange", () => { if (document.hidden) next(0); else soon(); });
    document.addEventListener("resume", soon);
    window.addEventListener("online", soon);
    window.addEventListener("pageshow", (event) => { if (event.persisted) soon(); });
    window.addEventListener("pagehide", () => { clearTimeout(timer); asking?.abort(); });
    setInterval(say, 1000);
    next(0);
  }

  // Somebody is working in a part who has filled something in, selects text, or is just pressing or
  // sending something. That something has the focus, or is unfolded, is no reason to hold it back.
  function busy(part) {
    const selection = document.getSelection();
    if (selection && !selection.isCollapsed && selection.containsNode(part, true)) return true;
    if (part.matches(":active") || part.querySelector("form[data-sent]")) return true;
    return [...part.querySelectorAll("input, textarea, select")].some(filled);
  }

  function filled(field) {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName !== "SELECT") return field.value !== field.defaultValue;
    const preset = field.multiple || [...field.options].some((o) => o.defaultSelected);
    return preset ? [...field.options].some((o) => o.selected !== o.defaultSelected) : field.selectedIndex > 0;
  }

  // The words are the ones the server uses.
  function relative(at) {
    let s = Math.trunc((now() - at) / 1000);
    const ahead = s < 0;
    s = Math.abs(s);
    if (s < 1) return "just now";
    const [n, unit] = s < 60 ? [s, "s"] : s < 3600 ? [s / 60, "minute"] : s < 172800 ? [s / 3600, "hour"] : [s / 86400, "day"];
    const text = Math.floor(n) + " " + unit + (unit === "s" || Math.floor(n) === 1 ? "" : "s");
    return ahead ? "in " + text : text + " ago";
  }

  // Exact times are in the reader's zone, or in UTC if that was chosen.
  const kept = (() => { try { return window.localStorage; } catch { return null; } })();
  let utc = kept?.getItem("times") === "utc";
  function exact(at) {
    if (utc) return at.toISOString().slice(0, 19).replace("T", " ") + " UTC";
    const local = new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19).replace("T", " ");
    const zone = new Intl.DateTimeFormat("en", { timeZoneName: "short" }).formatToParts(at).find((part) => part.type === "timeZoneName");
    return local + " " + zone.value;
  }

  // What is read aloud as it changes is not counted on by the second. A text node stays the
  // same one, so that what is selected stays so.
  function tick() {
    for (const t of document.querySelectorAll("time[datetime]")) {
      const at = new Date(t.dateTime);
      if (!("exact" in t.dataset)) t.title = exact(at);
      if (!("exact" in t.dataset) && t.closest("[aria-live]") && Math.abs(now() - at) < 60000) continue;
      const text = "exact" in t.dataset ? exact(at) : relative(at);
      if (t.firstChild && t.firstChild.data !== text) t.firstChild.data = text;
    }
  }
  tick();
  setInterval(() => { if (!document.hidden) tick(); }, 1000);
  document.addEventListener("visibilitychange", tick);

  const times = document.getElementById("times");
  if (times) {
    const name = () => { times.textContent = utc ? "Show times in your zone" : "Show times in UTC"; };
    times.hidden = false;
    name();
    times.addEventListener("click", () => {
      utc = !utc;
      kept?.setItem("times", utc ? "utc" : "local");
      name();
      tick();
    });
  }

  // "12 s ago" says nothing in a ticket: what is copied has the exact time too.
  document.addEventListener("copy", (event) => {
    const selection = document.getSelection();
    if (!selection || selection.isCollapsed || document.activeElement?.matches("input, textarea")) return;
    const added = [];
    for (const t of document.querySelectorAll("time[datetime]:not([data-exact])")) {
      if (!selection.containsNode(t, true)) continue;
      const more = document.createElement("span");
      more.textContent = " (" + t.title + ")";
      t.append(more);
      added.push(more);
    }
    if (added.length === 0) return;
    const rich = document.createElement("div");
    rich.append(selection.getRangeAt(0).cloneContents());
    event.clipboardData.setData("text/plain", selection.toString());
    event.clipboardData.setData("text/html", rich.innerHTML);
    for (const more of added) more.remove();
    event.preventDefault();
  });

  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const from = document.getElementById(button.dataset.copy);
      const text = "value" in from ? from.value : from.textContent;
      const said = button.textContent;
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        if (from.select) from.select();
        button.textContent = "Press Ctrl+C to copy";
      }
      setTimeout(() => { button.textContent = said; }, 2000);
    });
  }

  // A form is sent once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    for (const b of form.querySelectorAll("button[data-busy]")) b.textContent = b.dataset.busy;
    // What takes minutes is not sent again while it goes on.
    setTimeout(() => { delete form.dataset.sent; }, "slow" in form.dataset ? 150000 : 3000);
  });

  // A secret can be looked at while it is being entered.
  for (const button of document.querySelectorAll("button[data-reveal]")) {
    const input = document.getElementById(button.dataset.reveal);
    button.hidden = false;
    button.addEventListener("click", () => {
      const show = input.type === "password";
      input.type = show ? "text" : "password";
      button.setAttribute("aria-pressed", String(show));
    });
  }

  const parsed = (html) => new DOMParser().parseFromString(html, "text/html");

  // The region is looked up as soon as the user name is entered, unless one was
  // chosen by hand.
  const user = document.querySelector("input[data-region]");
  if (user) {
    const select = document.getElementById("zone");
    const note = document.getElementById("zone-note");
    let asked = "", found = "";
    const byHand = () => select.value !== "" && select.value !== found;
    const find = async () => {
      const name = user.value.trim();
      if (name === asked || byHand()) return;
      asked = name;
      note.textContent = name ? "Looking for the region…" : "";
      if (!name) return;
      let part = null;
      try {
        const answer = await fetch(user.dataset.region + encodeURIComponent(name));
        part = parsed(await answer.text()).querySelector("[data-zone]");
      } catch { /* it is looked up again when the form is sent */ }
      if (name !== asked) return;
      note.textContent = "";
      if (!part || byHand()) return;
      found = part.dataset.zone;
      if (found && ![...select.options].some((o) => o.value === found)) select.add(new Option(part.dataset.text, found));
      select.value = found;
      note.textContent = part.textContent;
    };
    user.addEventListener("change", find);
    select.addEventListener("change", () => { note.textContent = ""; });
  }

  // What takes long to find out is asked for at once, and put in its place.
  const load = document.querySelector("form[data-load]");
  if (load) {
    const place = document.getElementById(load.dataset.load);
    const note = document.getElementById(load.dataset.load + "-note");
    const manual = place.querySelector("[data-manual]");
    const waiting = document.createElement("progress");
    waiting.setAttribute("aria-label", "Asking Autotask");
    if (manual) manual.hidden = true;
    load.hidden = true;
    load.before(waiting);
    note.textContent = load.dataset.note;
    (async () => {
      try {
        const answer = await fetch(load.action, { method: "POST", body: new URLSearchParams(new FormData(load)) });
        const part = parsed(await answer.text()).getElementById(place.id);
        if (!part) throw new Error("not the page that was asked for");
        place.replaceWith(part);
        note.textContent = [...part.querySelectorAll("[data-summary]")].map((p) => p.textContent).join(" ");
        note.classList.add("hidden"); // it is on the page; this is for those who hear it
      } catch {
        waiting.remove();
        if (manual) manual.hidden = false;
        load.hidden = false;
        note.textContent = "This could not be determined just now. Try the button.";
      }
    })();
  }

  // The key / leads to the search, unless somebody is writing.
  const search = document.querySelector("input[type=search]");
  if (search) document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    search.focus();
    search.select();
  });

  // The key Enter presses the button beside a field, where that is not the form's own.
  for (const field of document.querySelectorAll("input[data-enter]")) {
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      document.getElementById(field.dataset.enter).click();
    });
  }

  // A long list of choices can be narrowed by name.
  for (const list of document.querySelectorAll("fieldset[data-filter]")) {
    const labels = [...list.querySelectorAll("label.check")];
    if (labels.length < 8) continue;
    const plain = (text) => text.normalize("NFKD").replace(/[^\p{L}\p{N}]/gu, "").toLowerCase();
    const find = document.createElement("input");
    find.setAttribute("aria-label", list.dataset.filter);
    find.placeholder = list.dataset.filter;
    find.addEventListener("input", () => {
      for (const label of labels) label.hidden = !plain(label.textContent).includes(plain(find.value));
    });
    find.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
    labels[0].before(find);
  }

  // On a phone the tabs scroll sideways; the current one is to be seen.
  const tab = document.querySelector(".tabs [aria-current]");
  if (tab) tab.closest(".tabs").scrollLeft = tab.offsetLeft - 16;

  // What is wrong with a form, or what became of it, is read first.
  (document.getElementById("problem") ?? document.getElementById("flash"))?.focus();
})();
