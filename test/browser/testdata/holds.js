// What must be true of every page and axe-core does not see. Each function lists what is wrong.
window.holds ??= (() => {
  const called = (e) => e.tagName.toLowerCase() + " “" + (e.ariaLabel || e.textContent || e.name || e.id || "").trim().replace(/\s+/g, " ").slice(0, 40) + "”";
  const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;

  // A page is as wide as its window, and what does not fit into it scrolls by itself.
  function width() {
    const root = document.documentElement, room = root.clientWidth;
    if (root.scrollWidth <= room) return [];
    const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > room + 1).map(called).slice(0, 5);
    return ["the page is " + root.scrollWidth + " px wide in a window of " + room + ": " + wide.join(" | ")];
  }

  // Text is twice as large, the window is not: what people set who zoom text alone.
  function largeText() {
    const root = document.documentElement;
    root.style.fontSize = "200%";
    const wrong = width();
    for (const e of document.querySelectorAll("button, .button, .badge, h1, h2, h3, td, th, dd, label, legend, .tabs a")) {
      const s = getComputedStyle(e);
      if (shown(e) && s.overflow !== "visible" && !e.matches(".hidden, .hidden *") && e.scrollHeight > e.clientHeight + 2) wrong.push("text is cut off in " + called(e));
    }
    root.style.fontSize = "";
    return wrong;
  }

  let way = null;

  // The stops of the Tab key, as HTML has them. Of a group of choices one is.
  function stops() {
    const groups = new Set();
    return [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]")].filter((e) => {
      if (e.tabIndex < 0 || e.disabled || !shown(e)) return false;
      if (e.type !== "radio") return true;
      const of = e.name + "/" + (e.form?.action ?? "");
      const group = [...document.getElementsByName(e.name)].filter((r) => r.form === e.form);
      const one = group.find((r) => r.checked) ?? e;
      if (one !== e || groups.has(of)) return false;
      groups.add(of);
      return true;
    });
  }

  function look(e) {
    if (way.seen.has(e)) return;
    way.seen.add(e);
    const s = getComputedStyle(e), r = e.getClientRects()[0];
    if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2) way.wrong.push("the focus is not outlined on " + called(e));
    if (!r || r.width === 0) { way.wrong.push("the focus is on something invisible: " + called(e)); return; }
    const x = r.left + Math.min(r.width, 24) / 2, y = r.top + Math.min(r.height, 24) / 2;
    if (x < 0 || y < 0 || x > innerWidth || y > innerHeight) { way.wrong.push("the focus is out of the window on " + called(e)); return; }
    const top = document.elementFromPoint(x, y);
    if (top && top !== e && !e.contains(top) && !(e.labels && [...e.labels].some((l) => l.contains(top)))) way.wrong.push(called(top) + " lies over the focus on " + called(e));
  }

  const onTab = (event) => {
    const e = document.activeElement;
    if (event.key === "Tab" && e && e !== document.body) look(e);
  };

  // beginTabs is how often Tab is to be pressed to be through the page.
  function beginTabs() {
    document.activeElement?.blur();
    scrollTo(0, 0);
    getSelection().collapse(document.body, 0); // the next stop is the first
    way = { want: stops(), seen: new Set(), wrong: [] };
    addEventListener("keydown", onTab, true);
    const inner = way.want.filter((e) => /date|time/.test(e.type ?? "")).length * 8; // each has fields of its own
    return way.want.length + inner + 3;
  }

  function endTabs() {
    removeEventListener("keydown", onTab, true);
    for (const e of way.want) {
      if (e.isConnected && shown(e) && !way.seen.has(e)) way.wrong.push("Tab does not lead to " + called(e));
    }
    for (const e of document.querySelectorAll("[role=button], [role=link], [role=checkbox], [role=tab], [role=menuitem], [tabindex='0']")) {
      if (!e.matches("a[href], button, input, summary, pre")) way.wrong.push("no key operates " + called(e));
    }
    if (document.querySelector("[tabindex]:not([tabindex='-1']):not([tabindex='0'])")) way.wrong.push("the order of Tab is not that of the page");
    document.activeElement?.blur();
    scrollTo(0, 0);
    return way.wrong;
  }

  // Backgrounds and shadows are gone: what they alone say is lost.
  function forced() {
    const wrong = document.getAnimations().filter((a) => a.playState === "running").map((a) => "something moves all the same: " + called(a.effect.target));
    const marks = (e) => { const s = getComputedStyle(e); return [s.borderBottomWidth, s.borderBottomStyle, s.textDecorationLine, s.outlineStyle].join(); };
    for (const e of document.querySelectorAll("nav [aria-current]")) {
      const other = [...e.closest("nav").querySelectorAll("a")].find((a) => !a.hasAttribute("aria-current"));
      if (other && marks(other) === marks(e)) wrong.push("nothing but its weight marks " + called(e));
    }
    for (const e of document.querySelectorAll(".key, .chart rect, progress")) {
      const s = e.matches(".key") ? getComputedStyle(e, "::before") : getComputedStyle(e);
      if (shown(e) && s.forcedColorAdjust !== "none" && e.tagName !== "PROGRESS") wrong.push("the colour of " + called(e) + " is lost");
    }
    return wrong;
  }

  // On paper nothing can be pressed, and everything is dark on light.
  function print() {
    const wrong = [];
    for (const e of document.querySelectorAll("nav, button, .skip, footer, input[type=search]")) {
      if (shown(e)) wrong.push(called(e) + " is printed");
    }
    const [r, g, b] = getComputedStyle(document.body).color.match(/\d+/g).map(Number);
    if (r + g + b > 300) wrong.push("the text is light");
    return wrong;
  }

  // What became of a form has the focus, so that it is read first and what follows is near.
  function focus() {
    const first = document.getElementById("problem") ?? document.getElementById("flash");
    return !first || document.activeElement === first ? [] : ["the focus is not on what became of the form but on " + called(document.activeElement)];
  }

  // The kinds of elements that the page is made of.
  function shapes() {
    const all = new Set();
    for (const e of document.querySelectorAll("body *")) {
      const p = e.parentElement;
      all.add([p.tagName, p.className, e.tagName, e.getAttribute("class"), e.type, e.getAttribute("role"), e.ariaInvalid, shown(e)].join(" "));
    }
    return [...all];
  }

  return { focus, shapes, width, largeText, beginTabs, endTabs, forced, print };
})();
