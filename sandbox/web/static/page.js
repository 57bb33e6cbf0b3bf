// Keeps the page fresh without reloading it, and sends its forms in the background. Everything works without it, by reloads.
"use strict";
(() => {
  const parser = new DOMParser();
  // What a person has typed or opened belongs to them: these attributes are never taken from the server's copy.
  const theirs = new Set(["open", "value", "checked", "aria-busy"]);
  const keyOf = (node) => (node.nodeType === 1 ? node.dataset.key || node.id || "" : "");

  function alike(a, b) {
    return a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
  }

  // Makes `old` equal to `fresh` by touching only what differs, so that focus, selection and scroll stay.
  function morph(old, fresh) {
    if (old.nodeType !== 1) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    if (old.nodeName === "IFRAME" && old.getAttribute("src") === fresh.getAttribute("src")) return;
    for (const { name } of [...old.attributes]) if (!theirs.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of [...fresh.attributes]) {
      const hidden = old.type === "hidden";
      if ((!theirs.has(name) || hidden) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    if ("own" in old.dataset) return;
    if (old.nodeName === "SELECT") offered(old, fresh);
    else if (old.nodeName !== "TEXTAREA") children(old, fresh);
  }

  // A menu keeps what was chosen in it as long as that is still offered.
  function offered(old, fresh) {
    const words = (menu) => [...menu.options].map((one) => `${one.value} ${one.text}`).join("\n");
    if (words(old) === words(fresh)) return;
    const held = old.value;
    old.replaceChildren(...[...fresh.childNodes].map((one) => document.importNode(one, true)));
    if (held && [...old.options].some((one) => one.value === held)) old.value = held;
  }

  function children(old, fresh) {
    const keyed = new Map([...old.childNodes].filter(keyOf).map((node) => [keyOf(node), node]));
    let at = old.firstChild;
    for (const wanted of [...fresh.childNodes]) {
      const known = keyOf(wanted) ? keyed.get(keyOf(wanted)) : at;
      if (known && alike(known, wanted)) {
        if (known === at) at = at.nextSibling;
        else old.insertBefore(known, at);
        morph(known, wanted);
      } else {
        old.insertBefore(document.importNode(wanted, true), at);
      }
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  }

  function dialogs() {
    for (const dialog of document.querySelectorAll("dialog[data-modal]")) {
      // The inputs of a modal belong to its form, although other forms (buttons) stand between them.
      const form = dialog.querySelector("[data-form]").dataset.form;
      for (const field of dialog.querySelectorAll("fieldset.input input, fieldset.input select, fieldset.input textarea"))
        field.setAttribute("form", form);
      if (!dialog.dataset.shown) {
        dialog.dataset.shown = "yes";
        dialog.removeAttribute("open");
        dialog.showModal();
        const first = dialog.querySelector(".modal-body .control, .modal-body input:not([type=hidden])") || dialog.querySelector("footer .primary");
        if (first) first.focus();
        dialog.addEventListener("cancel", (event) => {
          event.preventDefault();
          dialog.querySelector("[data-close]").requestSubmit();
        });
      }
    }
  }

  const nearBottom = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 160;

  function show(text) {
    const fresh = parser.parseFromString(text, "text/html");
    const boxes = [...document.querySelectorAll("[data-bottom]")].map((box) => [box, nearBottom(box)]);
    document.title = fresh.title;
    theirs.add("data-shown").add("form");
    children(document.body, fresh.body);
    for (const [box, stick] of boxes) if (stick) box.scrollTop = box.scrollHeight;
    dialogs();
  }

  let looking = false;
  let again = false;
  async function look() {
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    try {
      do {
        again = false;
        const answer = await fetch(location.href, { headers: { "X-Live": "1" } });
        if (answer.ok) show(await answer.text());
      } while (again);
    } catch {
      // The stand-in is being restarted; the next event brings the page up to date.
    } finally {
      looking = false;
    }
  }

  function ask(form, submitter) {
    const dialog = form.querySelector(":scope > dialog.confirm");
    if (!dialog || (submitter && submitter.hasAttribute("data-yes"))) return false;
    form.picked = submitter && submitter.name ? [submitter.name, submitter.value] : null;
    dialog.showModal();
    return true;
  }

  async function act(form, submitter) {
    const data = new URLSearchParams(new FormData(form));
    const picked = form.picked || (submitter && submitter.name ? [submitter.name, submitter.value] : null);
    if (picked) data.set(...picked);
    // A press in a modal brings what is filled in there, as in Slack.
    const modal = form.closest("[data-modal]");
    const filled = modal && modal.querySelector(".modal-form");
    if (filled && filled !== form) for (const [name, value] of new FormData(filled)) data.append(name, value);
    form.picked = null;
    for (const dialog of form.querySelectorAll("dialog[open]")) dialog.close();
    for (const menu of form.querySelectorAll("details[open]")) menu.open = false;
    if ("compose" in form.dataset) form.elements.text.value = "";
    form.setAttribute("aria-busy", "true");
    try {
      await fetch(form.action, { method: "POST", body: data, headers: { "X-Live": "1" } });
    } finally {
      form.removeAttribute("aria-busy");
      look();
    }
  }

  // A menu in a modal that tells the app at once what was chosen, beside all that is filled in.
  async function tell(field) {
    const { tells, view, action, block } = field.dataset;
    const data = new URLSearchParams(new FormData(field.form));
    for (const [name, value] of Object.entries({ view, action_id: action, block_id: block, value: field.value })) data.set(name, value);
    await fetch(tells, { method: "POST", body: data, headers: { "X-Live": "1" } });
    look();
  }

  // A menu that asks the app while one types: what it offers is shown below, and what is picked stands above.
  async function suggest(box, field) {
    const offers = box.querySelector(".offers");
    const mine = (box.asked = (box.asked || 0) + 1);
    let found = [];
    if (field.value.length >= Number(box.dataset.least)) {
      const body = new URLSearchParams({ block_id: box.dataset.block, text: field.value });
      const answer = await fetch(box.dataset.asks, { method: "POST", body, headers: { "X-Live": "1" } });
      found = answer.ok ? await answer.json() : [];
    }
    if (mine !== box.asked) return;
    offers.replaceChildren(...found.map((one) => offer(box, field, ...one)));
    if (!found.length) offers.textContent = "No results";
    field.setAttribute("aria-expanded", "true");
  }

  function offer(box, field, value, text, note) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("role", "option");
    button.append(text);
    if (note) button.append(Object.assign(document.createElement("small"), { textContent: note }));
    button.addEventListener("click", () => {
      const chosen = box.querySelector(".chosen");
      if (box.dataset.kind === "radio") chosen.replaceChildren();
      if (![...chosen.querySelectorAll("input")].some((one) => one.value === value)) {
        const chip = Object.assign(document.createElement("label"), { className: "chip" });
        const input = Object.assign(document.createElement("input"), { type: box.dataset.kind, name: box.dataset.name, value, checked: true });
        input.setAttribute("form", field.getAttribute("form"));
        chip.append(input, Object.assign(document.createElement("span"), { textContent: text }));
        chosen.append(chip);
      }
      field.value = "";
      box.querySelector(".offers").replaceChildren();
      field.setAttribute("aria-expanded", "false");
    });
    return button;
  }

  for (const kind of ["input", "click"])
    document.addEventListener(kind, (event) => {
      const box = event.target.closest && event.target.closest("[data-asks]");
      if (box && event.target.type === "search") suggest(box, event.target);
    });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!("act" in form.dataset)) return;
    event.preventDefault();
    if (form.getAttribute("aria-busy") || ask(form, event.submitter)) return;
    act(form, event.submitter);
  });
  document.addEventListener("change", (event) => {
    if ("tells" in event.target.dataset && event.target.value) tell(event.target);
    if ("submits" in event.target.dataset && (event.target.value || event.target.type === "checkbox")) event.target.form.requestSubmit();
  });
  document.addEventListener("click", (event) => {
    // A link button opens its page in a new tab; the app hears of the press beside that, as in Slack.
    const press = event.target.closest("form[data-act] > a[data-press]");
    if (press) act(press.closest("form"), null);
    const no = event.target.closest("[data-no]");
    if (no) {
      const form = no.closest("form");
      no.closest("dialog").close();
      for (const select of form.querySelectorAll("select[data-submits]")) form.reset();
    }
    for (const menu of document.querySelectorAll("details.menu[open], details.who[open]"))
      if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open], details.who[open]")) menu.open = false;
  });

  for (const box of document.querySelectorAll("[data-bottom]")) box.scrollTop = box.scrollHeight;
  // On a phone the places are one row, which begins at the left.
  const here = document.querySelector(".places [aria-current]");
  if (here) here.closest(".places").scrollLeft = here.offsetLeft - 80;
  dialogs();
  const changes = new EventSource(document.body.dataset.live);
  changes.onmessage = look;
  changes.onopen = look;
})();
