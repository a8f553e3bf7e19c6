// The answer widget: <script async src="https://host/widget.js" data-key="pk_…"></script>
// One file without dependencies. It draws into a closed shadow root with DOM nodes alone (never from HTML text) and constructed style
// sheets, so a strict Content-Security-Policy of the page needs only script-src and connect-src for this host.
(() => {
  "use strict";

  const script = document.currentScript;
  if (!script || !script.dataset.key) return;
  const place = () => (document.body ? insert() : document.addEventListener("DOMContentLoaded", insert, { once: true }));
  // A page that draws itself anew brings its script again.
  if (customElements.get("protostar-widget")) return place();

  const WORDS = {
    en: {
      title: "Ask us", greeting: "Ask a question, and the answer cites its sources.", open: "Open questions and answers", close: "Close",
      placeholder: "Your question…", send: "Send", stop: "Stop waiting", erase: "Erase history", eraseAsk: "Erase the questions and answers on this device?",
      eraseYes: "Erase", cancel: "Cancel", you: "You asked", answer: "Answer", thinking: "Looking in the documents…", reconnecting: "Connection lost. Trying again…",
      offline: "You are offline. This goes on as soon as you are connected.", unreachable: "There is no connection. Your question is kept, and not asked twice.",
      sources: "Sources", source: (n, title) => `Source ${n}: ${title}`, page: (n) => `page ${n}`, copy: "Copy answer", copied: "Copied", up: "Helpful", down: "Not helpful",
      why: "What was wrong or missing?", sendReason: "Send", thanks: "Thank you.", quoted: "Quoted straight from the documents.",
      uncited: "No source was named for this; it may be wrong.", incomplete: "This answer is cut off.",
      corrected: "Checked by a person.", failed: "That did not work.", unrated: "Your rating did not get through.", settled: "This answer can no longer be rated.", uncopied: "The browser did not let it be copied.", retry: "Try again", limit: (when) => `That was all for now. Ask again ${when}.`,
      signIn: (when) => `Sign in on this page to ask more, or come back ${when}.`, at: (time, day) => `${day ? `on ${day} ` : ""}at ${time}`,
      forbidden: "Questions cannot be asked from this page.", note: "Answers are made from documents and can be wrong. Check the sources.",
    },
    ko: {
      title: "무엇이든 물어보세요", greeting: "질문하시면 출처와 함께 답해 드립니다.", open: "질문 창 열기", close: "닫기",
      placeholder: "질문을 입력하세요…", send: "보내기", stop: "그만 기다리기", erase: "기록 지우기", eraseAsk: "이 기기에 남은 질문과 답을 지울까요?",
      eraseYes: "지우기", cancel: "취소", you: "질문", answer: "답변", thinking: "문서를 찾아보고 있습니다…", reconnecting: "연결이 끊겨 다시 시도합니다…",
      offline: "오프라인입니다. 연결되는 대로 이어집니다.", unreachable: "연결할 수 없습니다. 질문은 그대로 있으며 두 번 묻지 않습니다.",
      sources: "출처", source: (n, title) => `출처 ${n}: ${title}`, page: (n) => `${n}쪽`, copy: "답변 복사", copied: "복사했습니다", up: "도움이 됐어요", down: "도움이 안 됐어요",
      why: "무엇이 틀렸거나 부족했나요?", sendReason: "보내기", thanks: "감사합니다.", quoted: "문서에서 그대로 인용했습니다.",
      uncited: "근거를 밝히지 않은 답이라 틀릴 수 있습니다.", incomplete: "답이 중간에서 끊겼습니다.",
      corrected: "사람이 확인한 답변입니다.", failed: "답을 받지 못했습니다.", unrated: "평가를 보내지 못했습니다.", settled: "이 답변은 이제 평가할 수 없습니다.", uncopied: "브라우저가 복사를 허용하지 않았습니다.", retry: "다시 시도", limit: (when) => `지금은 여기까지입니다. ${when} 다시 물어보세요.`,
      signIn: (when) => `이 페이지에 로그인하면 더 물어볼 수 있습니다. 또는 ${when} 다시 와 주세요.`, at: (time, day) => `${day ? `${day} ` : ""}${time}에`,
      forbidden: "이 페이지에서는 질문할 수 없습니다.", note: "답변은 문서를 바탕으로 만들어지며 틀릴 수 있습니다. 출처를 확인하세요.",
    },
  };

  const RAISED = ["#f4f5f7", "#222429"]; // what lies on the ground, where it is light and where it is dark

  const CSS = `
:host {
  all: initial !important; position: fixed !important; inset: auto 0 0 auto !important; width: 0 !important; height: 0 !important;
  margin: 0 !important; padding: 0 !important; border: 0 !important; overflow: visible !important; display: block !important;
  z-index: 2147483000 !important; direction: ltr !important; color-scheme: light dark !important; background: none !important; visibility: visible !important;
  --accent: var(--protostar-accent, light-dark(var(--set-accent, #3550c8), var(--set-accent-dark, #a3b4ff)));
  --on-accent: var(--protostar-on-accent, light-dark(var(--set-on-accent, #fff), var(--set-on-accent-dark, #0c1233)));
  --ink: var(--protostar-accent, light-dark(var(--set-ink-accent, #3550c8), var(--set-ink-accent-dark, #a3b4ff))); /* words and outlines */
  --ground: var(--protostar-background, light-dark(#fff, #17181c)); --raised: light-dark(${RAISED});
  --text: var(--protostar-text, light-dark(#1b1d22, #eceef2)); --quiet: light-dark(#5b606b, #a6acb8);
  --line: light-dark(#e3e5ea, #34373e); --edge: light-dark(#868b9b, #6c7386); --wrong: light-dark(#a1261d, #ffb4ab);
  --radius: var(--protostar-radius, 16px);
  --font: var(--protostar-font, system-ui, -apple-system, "Segoe UI", Roboto, "Apple SD Gothic Neo", "Noto Sans KR", "Noto Sans CJK KR", sans-serif);
}
:host([data-theme="light"]) { color-scheme: light !important; }
:host([data-theme="dark"]) { color-scheme: dark !important; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; margin: 0; cursor: pointer; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--ink); outline-offset: 2px; }
svg { width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; display: block; }
.launcher, .panel { font: 15px/1.6 var(--font); color: var(--text); letter-spacing: -.003em; -webkit-font-smoothing: antialiased; word-break: keep-all; overflow-wrap: anywhere; }
.launcher {
  position: fixed; bottom: calc(20px + env(safe-area-inset-bottom)); right: calc(20px + env(safe-area-inset-right)); width: 56px; height: 56px; border-radius: 50%;
  background: var(--accent); color: var(--on-accent); display: grid; place-items: center; box-shadow: inset 0 0 0 1px var(--ink), 0 1px 2px #0002, 0 8px 24px #0003; transition: transform .16s ease;
}
.launcher:hover { transform: translateY(-2px); }
.launcher svg { width: 26px; height: 26px; }
.panel {
  position: fixed; bottom: calc(20px + env(safe-area-inset-bottom)); right: calc(20px + env(safe-area-inset-right)); width: min(408px, calc(100vw - 40px));
  height: min(660px, calc(100dvh - 40px)); display: flex; flex-direction: column; background: var(--ground); border: 1px solid var(--line);
  border-radius: var(--radius); overflow: hidden; box-shadow: 0 2px 6px #0001, 0 24px 64px #0004; animation: rise .2s ease-out; outline: none;
}
:host([data-position="left"]) .launcher, :host([data-position="left"]) .panel { right: auto; left: calc(20px + env(safe-area-inset-left)); }
@keyframes rise { from { opacity: 0; transform: translateY(10px); } }
header { display: flex; align-items: center; gap: 4px; padding: 12px 12px 12px 20px; border-bottom: 1px solid var(--line); }
h2 { flex: 1; margin: 0; font-size: 16px; line-height: 1.4; font-weight: 650; letter-spacing: -.01em; }
.icon { width: 36px; height: 36px; border-radius: 10px; display: grid; place-items: center; color: var(--quiet); flex: none; }
.icon:hover { background: var(--raised); color: var(--text); }
.icon[aria-pressed="true"] { color: var(--ink); background: var(--raised); }
.bar { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; padding: 10px 20px; background: var(--raised); font-size: 14px; }
.bar span { flex: 1 1 100%; }
.log { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 20px 20px 28px; display: flex; flex-direction: column; gap: 20px; scrollbar-width: thin; }
.turns { display: flex; flex-direction: column; gap: 28px; } .turns:empty { display: none; }
.greeting { margin: 0; font-size: 17px; line-height: 1.55; white-space: pre-line; }
.starters { display: flex; flex-direction: column; gap: 8px; margin: 16px 0 0; padding: 0; list-style: none; }
.starters button { width: 100%; text-align: start; padding: 10px 14px; border: 1px solid var(--line); border-radius: 12px; transition: border-color .12s, background .12s; }
.starters button:hover { border-color: var(--ink); background: var(--raised); }
article { display: flex; flex-direction: column; gap: 12px; }
.question { align-self: flex-end; max-width: 86%; margin: 0; padding: 9px 14px; border-radius: 16px 16px 4px 16px; background: var(--accent); color: var(--on-accent); box-shadow: inset 0 0 0 1px var(--ink); white-space: pre-wrap; font-weight: 400; font-size: inherit; } .question bdi { display: block; }
.text > :first-child { margin-top: 0; } .text > :last-child { margin-bottom: 0; }
.text p, .text ul, .text ol, .text pre, .text blockquote { margin: 0 0 10px; }
.text :is(li, blockquote) > :last-child, .text li > :is(p, ul, ol) { margin-bottom: 0; }
.text ul, .text ol { padding-inline-start: 22px; } .text li { margin: 3px 0; } .text li::marker { color: var(--quiet); }
.text strong { font-weight: 650; }
.text code { font: .88em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; background: var(--raised); padding: 1px 5px; border-radius: 5px; }
.text pre { background: var(--raised); padding: 12px 14px; border-radius: 10px; overflow-x: auto; } .text pre code { background: none; padding: 0; }
.text .table { margin: 0 0 10px; overflow-x: auto; }
.text table { border-collapse: collapse; font-size: .94em; }
.text tr { border-bottom: 1px solid var(--line); }
.text th, .text td { padding: 6px 12px 6px 0; text-align: start; vertical-align: top; min-width: 5em; }
.text blockquote { padding-inline-start: 12px; border-inline-start: 3px solid var(--line); color: var(--quiet); }
a { color: var(--ink); text-underline-offset: 3px; text-decoration-thickness: 1px; }
.chip { display: inline-grid; place-items: center; min-width: 20px; height: 20px; padding: 0 5px; margin: 0 1px; border-radius: 6px; background: var(--raised); color: var(--ink); font-size: 12px; font-weight: 600; line-height: 1; vertical-align: 1px; font-variant-numeric: tabular-nums; }
button.chip:hover { background: var(--accent); color: var(--on-accent); }
.note { margin: 0; color: var(--quiet); font-size: 13px; display: flex; gap: 8px; align-items: center; }
.wrong { color: var(--wrong); }
.dots { display: inline-flex; gap: 4px; } .dots i { width: 6px; height: 6px; border-radius: 50%; background: var(--quiet); animation: dot 1.2s infinite ease-in-out; }
.dots i:nth-child(2) { animation-delay: .15s; } .dots i:nth-child(3) { animation-delay: .3s; }
@keyframes dot { 0%, 60%, 100% { opacity: .3; } 30% { opacity: 1; } }
.sources { border: 1px solid var(--line); border-radius: 12px; overflow: hidden; font-size: 14px; line-height: 1.5; }
.sources h3 { margin: 0; padding: 9px 14px 3px; font-size: 12px; font-weight: 600; color: var(--quiet); }
details + details { border-top: 1px solid var(--line); }
summary { display: flex; gap: 9px; align-items: baseline; padding: 8px 14px; cursor: pointer; list-style: none; } summary::-webkit-details-marker { display: none; }
summary:hover { background: var(--raised); } summary:focus-visible { outline-offset: -2px; border-radius: 11px; }
summary .chip { flex: none; } .where { color: var(--quiet); display: block; font-size: 13px; }
.quote { margin: 4px 14px 12px 43px; padding-inline-start: 12px; border-inline-start: 3px solid var(--ink); white-space: pre-line; max-height: 220px; overflow-y: auto; }
.tools { display: flex; align-items: center; gap: 2px; margin-inline-start: -8px; } .tools svg { width: 18px; height: 18px; } .tools .note { margin-inline-start: 6px; }
.reason { display: flex; flex-direction: column; gap: 8px; }
.reason label { font-size: 14px; color: var(--quiet); }
.pill { flex: none; padding: 6px 14px; border-radius: 10px; border: 1px solid var(--line); font-size: 14px; font-weight: 550; } .pill:hover { background: var(--raised); }
.pill.strong { background: var(--accent); color: var(--on-accent); border-color: var(--ink); } .reason .pill { align-self: flex-start; }
textarea { font: inherit; font-size: 16px; line-height: 1.45; color: inherit; background: none; border: 0; margin: 0; padding: 0; resize: none; width: 100%; field-sizing: content; }
.reason { scroll-margin: 28px; } .reason textarea { border: 1px solid var(--edge); border-radius: 10px; padding: 8px 12px; min-height: 64px; }
textarea::placeholder { color: var(--quiet); opacity: 1; }
form.ask { position: relative; margin: 0 14px; padding: 10px 8px 10px 14px; display: flex; gap: 8px; align-items: flex-end; border: 1px solid var(--edge); border-radius: 14px; background: var(--ground); transition: border-color .12s; }
form.ask::before { content: ""; position: absolute; inset: -27px 0 auto; height: 24px; background: linear-gradient(transparent, var(--ground)); pointer-events: none; }
form.ask:focus-within { border-color: var(--ink); box-shadow: 0 0 0 1px var(--ink); } form.ask textarea { max-height: 132px; min-height: 24px; padding: 4px 0; } form.ask textarea:focus-visible { outline: none; }
.send { width: 34px; height: 34px; border-radius: 10px; background: var(--accent); color: var(--on-accent); box-shadow: inset 0 0 0 1px var(--ink); display: grid; place-items: center; flex: none; } .send:disabled, .pill:disabled { opacity: .35; cursor: default; }
footer { padding: 8px 20px calc(12px + env(safe-area-inset-bottom)); font-size: 12px; line-height: 1.45; color: var(--quiet); text-align: center; }
.quietly { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 520px), (max-height: 480px) {
  .panel, :host([data-position="left"]) .panel { inset: 0 0 auto 0; width: 100vw; height: var(--visible, 100dvh); border: 0; border-radius: 0; padding: env(safe-area-inset-top) env(safe-area-inset-right) 0 env(safe-area-inset-left); }
  .icon { width: 44px; height: 44px; } .send { width: 40px; height: 40px; }
}
@media (max-height: 480px) {
  header { padding-block: 2px; } h2 { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
  .log { padding-block: 12px 20px; } form.ask { margin-bottom: calc(8px + env(safe-area-inset-bottom)); padding-block: 5px; } footer { display: none; }
}
@media (prefers-contrast: more) { :host { --line: light-dark(#868b9b, #6c7386); --edge: var(--text); --quiet: var(--text); } }
@media (prefers-reduced-motion: reduce) { *, *::before, *::after { animation: none !important; transition: none !important; } }
@media (forced-colors: active) { .launcher, .send, .chip, .panel { border: 1px solid; } }
@media print { :host { display: none !important; } }`;

  const ICONS = {
    chat: ["M21 12a8 8 0 0 1-8 8H4l2-3.2A8 8 0 1 1 21 12Z", "M9 10.5h7", "M9 14h4"], close: ["M6 6l12 12", "M18 6 6 18"], send: ["M12 19V5", "M6 11l6-6 6 6"],
    stop: ["M8 8h8v8H8z"], erase: ["M5 7h14", "M10 7V5h4v2", "M7 7l1 12h8l1-12"], copy: ["M9 9h10v11H9z", "M6 15H5V4h10v2"],
    up: ["M7 11v9H4v-9z", "M7 11l4-7c1.5 0 2.3 1 2 2.500L12.500 9H18a2 2 0 0 1 2 2.300l-1.200 7A2 2 0 0 1 16.800 20H7"],
    down: ["M17 13V4h3v9z", "M17 13l-4 7c-1.500 0-2.300-1-2-2.500l.500-2.500H6a2 2 0 0 1-2-2.300l1.200-7A2 2 0 0 1 7.200 4H17"],
  };
  const TURNS = 30; // that are kept on the device
  const BYTES = 200_000;
  const SETTLED = 500; // ms after sending in which a press of the button is the second of a double click, and does not stop
  const SILENCE = 25_000; // ms after which a connection is given up; the server says something every 15 s
  const TRIES = 20; // in a row, about a minute and a half where every one fails at once
  const LONGEST = 8000; // ms between two tries
  const STRICT = /^(?:https?|mailto):/i;

  // -- making nodes

  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value != null) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child != null));
    return node;
  }

  function icon(name) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    for (const d of ICONS[name]) svg.append(Object.assign(document.createElementNS(space, "path"), {})), svg.lastChild.setAttribute("d", d);
    return svg;
  }

  const iconButton = (name, label, onclick, more = {}) => make("button", { type: "button", class: "icon", "aria-label": label, title: label, onclick, ...more }, icon(name));

  // -- Markdown, as far as answers need it. What is no known construct is text; nothing is ever parsed as HTML.

  function safeUrl(text) {
    try {
      return STRICT.test(text) && STRICT.test(new URL(text).protocol) ? new URL(text).href : null;
    } catch {
      return null;
    }
  }

  function link(url, label) {
    const href = safeUrl(url);
    return href ? make("a", { href, target: "_blank", rel: "noopener noreferrer nofollow ugc" }, label) : label;
  }

  const INLINE = /(`+)(.+?)\1(?!`)|\*\*(?=\S)(.+?)\*\*|(?<![\w*])\*(?=[^\s*])([^*]+?)\*(?![\w*])|\[(\d{1,3})\](?!\()|\[([^\[\]]*)\]\(([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)\)|<((?:https?:\/\/|mailto:)[^\s<>]+)>|(https?:\/\/[^\s<>()\[\]"'`]*[^\s<>()\[\]"'`.,;:!?*_~])|\\([!-/:-@[-`{-~])/gi;

  function inline(text, cite, depth = 0) {
    const nodes = [];
    let at = 0;
    for (const match of text.matchAll(INLINE)) {
      if (match.index > at) nodes.push(text.slice(at, match.index));
      at = match.index + match[0].length;
      const [whole, , code, strong, slanted, number, label, url, angled, bare, escaped] = match;
      if (code != null) nodes.push(make("code", {}, code));
      else if (strong != null && depth < 4) nodes.push(make("strong", {}, ...inline(strong, cite, depth + 1)));
      else if (slanted != null && depth < 4) nodes.push(make("em", {}, ...inline(slanted, cite, depth + 1)));
      else if (number != null) nodes.push(cite(Number(number)) ?? whole);
      else if (url != null) nodes.push(link(url, label || url));
      else if (angled ?? bare) nodes.push(link(angled ?? bare, (angled ?? bare).replace(/^mailto:/i, "")));
      else nodes.push(escaped ?? whole);
    }
    if (at < text.length) nodes.push(text.slice(at));
    return nodes;
  }

  // «\|» is no border.
  const cells = (line) => line.trim().replace(/^\||(?<!\\)\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));

  const ITEM = /^( *)(?:[-*+•]|(\d{1,3})[.)])\s+(?=\S)/;
  const DEEPEST = 6; // lists and quotations in one another

  function markdown(text, cite) {
    const lines = text.replace(/^\t+/gm, (tabs) => "    ".repeat(tabs.length)).split("\n");
    return make("div", { class: "text", dir: "auto" }, ...blocks(lines, cite, 0));
  }

  function blocks(lines, cite, depth) {
    const made = [];
    let paragraph = [];
    const flush = () => {
      if (!paragraph.length) return;
      const node = make("p");
      paragraph.forEach((line, at) => node.append(...(at ? [make("br")] : []), ...inline(line, cite)));
      made.push(node);
      paragraph = [];
    };
    for (let at = 0; at < lines.length; at++) {
      const line = lines[at];
      const fence = /^\s*(`{3,}|~{3,})/.exec(line);
      if (fence) {
        flush();
        const code = [];
        while (++at < lines.length && !lines[at].trim().startsWith(fence[1])) code.push(lines[at]);
        made.push(make("pre", { tabindex: "0" }, make("code", {}, code.join("\n"))));
      } else if (ITEM.test(line) && depth < DEEPEST) {
        flush();
        const [list, next] = listOf(lines, at, cite, depth);
        made.push(list);
        at = next - 1;
      } else if (/^\s*>/.test(line) && depth < DEEPEST) {
        flush();
        const quoted = [];
        for (; /^\s*>/.test(lines[at] ?? ""); at++) quoted.push(lines[at].replace(/^\s*>\s?/, ""));
        at--;
        made.push(make("blockquote", {}, ...blocks(quoted, cite, depth + 1)));
      } else if (/^#{1,6}\s/.test(line)) {
        flush();
        made.push(make("p", {}, make("strong", {}, ...inline(line.replace(/^#+\s+/, ""), cite))));
      } else if (line.includes("|") && /^[\s|:-]*-[\s|:-]*$/.test(lines[at + 1] ?? "") && lines[at + 1].includes("|")) {
        flush();
        const row = (tag, text) => make("tr", {}, ...cells(text).map((cell) => make(tag, {}, ...inline(cell, cite))));
        const [head, body] = [make("thead", {}, row("th", line)), make("tbody")];
        for (at += 2; at < lines.length && lines[at].includes("|"); at++) body.append(row("td", lines[at]));
        at--;
        made.push(make("div", { class: "table", tabindex: "0" }, make("table", {}, head, body)));
      } else if (/^\s*(?:[-*_]\s*){3,}$/.test(line) || !line.trim()) flush();
      else paragraph.push(line.trim());
    }
    flush();
    return made;
  }

  /** The list that begins there, and the line after it. What stands further in than its marks is an item's, also after a blank line. */
  function listOf(lines, at, cite, depth) {
    const [, { length: level }, first] = ITEM.exec(lines[at]);
    const list = make(first ? "ol" : "ul", { start: first && first !== "1" ? first : null });
    const isDeeper = (line = "") => line.search(/\S/) >= level + 2;
    for (let last = 0, isApart = false; at < lines.length; ) {
      const [mark, indent, number] = ITEM.exec(lines[at]) ?? [];
      // A new count after a blank line is a new list, unless every item is numbered 1.
      if (mark === undefined || Math.abs(indent.length - level) > 1 || !number !== !first || (isApart && number === "1" && last > 1)) break;
      last = Number(number);
      const body = [lines[at].slice(mark.length)];
      for (at++; isDeeper(lines[at]) || (lines[at]?.trim() === "" && isDeeper(lines[at + 1])); at++) {
        body.push(lines[at].slice(Math.min(mark.length, Math.max(0, lines[at].search(/\S/)))));
      }
      const made = blocks(body, cite, depth + 1);
      list.append(make("li", {}, ...(made.length === 1 && made[0].tagName === "P" ? made[0].childNodes : made)));
      const next = lines.findIndex((line, n) => n >= at && line.trim());
      isApart = next > at;
      if (isApart && ITEM.test(lines[next])) at = next;
    }
    return [list, at];
  }

  // -- talking to the server

  /** Ends early when the device is connected again. */
  const sleep = (ms, signal) =>
    new Promise((resolve, reject) => {
      const over = new AbortController();
      const end = (settle) => () => (clearTimeout(timer), over.abort(), settle(signal?.reason));
      const timer = setTimeout(end(resolve), ms);
      window.addEventListener("online", end(resolve), over);
      signal?.addEventListener("abort", end(reject), over);
    });

  class Refused extends Error {
    constructor(status, problem, retryAfter) {
      super(problem.detail || problem.title || `HTTP ${status}`);
      Object.assign(this, { status, code: problem.code || "http_error", retryAfter });
    }
  }

  /** An answer that has failed: asking after it again tells the same. */
  class Failed extends Refused {}

  /** Whether it may go well in a moment. What is sent again was within the limits, and waits for the minute in which it was too much. */
  function passes(error, tries) {
    if (!(error instanceof Refused)) return true; // the connection's
    if (error instanceof Failed) return false;
    return error.status === 408 || error.status >= 502 || (error.status === 429 && tries > 0 && error.retryAfter <= 60);
  }

  class Server {
    constructor(url, key) {
      Object.assign(this, { url, key, token: null });
    }

    /** The response, where it is a stream, or what it holds. */
    async request(path, { body, headers = {}, signal, stream = false } = {}) {
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(new TypeError("silence")), SILENCE);
      try {
        const response = await fetch(this.url + path, {
          method: body === undefined ? "GET" : "POST",
          headers: {
            Authorization: `Bearer ${this.key}`,
            ...(this.token && { "Protostar-Visitor": this.token }),
            ...(body !== undefined && { "Content-Type": "application/json" }),
            ...headers,
          },
          body: body === undefined ? undefined : JSON.stringify(body),
          signal: AbortSignal.any([late.signal, signal].filter(Boolean)),
          credentials: "omit",
          referrerPolicy: "strict-origin-when-cross-origin",
        });
        if (response.ok) return stream ? response : response.status === 204 ? null : await response.json();
        const problem = await response.json().catch(() => ({}));
        throw new Refused(response.status, problem, Number(response.headers.get("Retry-After")) || problem.retry_after || null);
      } finally {
        clearTimeout(timer);
      }
    }

    async enter(identity, signal) {
      const made = await this.request("/v1/visitors", { body: identity ? { identity } : {}, signal });
      this.token = made.visitor_token;
      return made;
    }
  }

  /** The server-sent events of a response; gives up when nothing at all comes for SILENCE. */
  async function* eventsOf(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    try {
      for (;;) {
        let timer;
        const silent = new Promise((_, reject) => (timer = setTimeout(() => reject(new TypeError("silence")), SILENCE)));
        const { done, value } = await Promise.race([reader.read(), silent]).finally(() => clearTimeout(timer));
        if (done) return;
        text += value;
        for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
          const event = {};
          for (const line of text.slice(0, end).split("\n")) {
            const colon = line.indexOf(": ");
            if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 2);
          }
          if (event.event) yield { name: event.event, id: event.id, data: JSON.parse(event.data) };
        }
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }

  function randomId() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /**
   * What this device remembers of a server and key, in all of its tabs; bounded, and nothing where storage is not to be had.
   * `erased`: the last answer that was erased, with all before it. The ids of answers are in the order of time.
   */
  class Memory {
    constructor(name) {
      Object.assign(this, { name, turns: [], erased: "" });
      const { token, half, renew, conversation, signedIn, pending } = this.merge();
      Object.assign(this, { token, half, renew, conversation, signedIn, pending });
    }

    /** Takes in what other tabs have kept and erased since; what is kept now. */
    merge() {
      let kept = {};
      try {
        kept = JSON.parse(localStorage.getItem(this.name)) ?? {};
      } catch {}
      if (kept.erased > this.erased) Object.assign(this, { erased: kept.erased, conversation: undefined });
      const all = new Map(this.turns.map((turn) => [turn.id, turn]));
      for (const turn of Array.isArray(kept.turns) ? kept.turns : []) {
        const ours = all.get(turn.id); // stays the same object: a rating is written into it
        all.set(turn.id, Object.assign(ours ?? {}, { ...turn, ...ours }));
      }
      this.turns = [...all.values()].filter(({ id }) => id > this.erased).sort((one, other) => (one.id < other.id ? -1 : 1)).slice(-TURNS);
      return kept;
    }

    /** It is renewed when `half` of its time has passed, in milliseconds; as with the one before where that is not told. */
    keepToken(token, half = this.half) {
      Object.assign(this, { token, half, renew: Date.now() + half });
    }

    /** Nothing waits for that answer any more. */
    settle() {
      this.settled = this.pending?.key ?? this.settled;
      this.pending = undefined;
    }

    save() {
      const kept = this.merge();
      const { token, half, renew, conversation, signedIn, erased } = this;
      const isOver = kept.pending?.key === this.settled || erased > (kept.erased ?? "");
      const pending = this.pending ?? (isOver ? undefined : kept.pending); // another tab's
      for (;;) {
        const text = JSON.stringify({ token, half, renew, conversation, signedIn, pending, erased, turns: this.turns });
        if (text.length <= BYTES || !this.turns.length) {
          try {
            localStorage.setItem(this.name, text);
          } catch {}
          return;
        }
        this.turns.shift();
      }
    }

    erase() {
      const { pending } = this.merge();
      this.erased = [this.erased, pending?.answer ?? "", this.turns.at(-1)?.id ?? ""].sort().at(-1);
      this.settle();
      Object.assign(this, { conversation: undefined, turns: [] });
      this.save();
    }
  }

  // -- colours of the space: what stands on them has to be readable, and what is written in them

  function luminance(hex) {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  const onColour = (hex) => (luminance(hex) > 0.18 ? "#000" : "#fff");

  /** The colour, or that of the text where words in it could not be read on the ground. */
  function ink(hex, ground) {
    const [darker, lighter] = [luminance(hex), luminance(ground)].sort((one, other) => one - other);
    return (lighter + 0.05) / (darker + 0.05) < 4.5 ? "var(--text)" : hex;
  }

  // -- the element

  class Widget extends HTMLElement {
    #root;
    #sheet = new CSSStyleSheet();
    #scale = new CSSStyleSheet();
    #gone; // the AbortController of what it hears while it is in the page
    #parts = {};
    #server;
    #memory;
    #words;
    #config = {};
    #ready; // resolves when the space's settings are there, or are not to be had
    #asking = null; // the AbortController of the question under way
    #sent = 0; // when it was asked
    #before = null; // what had the focus
    #entering; // the request for a token that is under way
    #identifying; // the AbortController of signing in
    #visible = ""; // how much of the page a keyboard on the screen leaves
    #isRefused = false; // whether its key does not hold on this page

    constructor() {
      super();
      this.#root = this.attachShadow({ mode: "closed" });
      const base = new CSSStyleSheet();
      base.replaceSync(CSS);
      this.#root.adoptedStyleSheets = [base, this.#sheet, this.#scale];
    }

    /** It may be taken out of the page and put in again. */
    connectedCallback() {
      if (!this.dataset.key) return;
      if (!this.#server) this.#begin();
      if (this.showPopover) {
        // In the top layer no style of the page's elements and no z-index reaches it.
        this.setAttribute("popover", "manual");
        try {
          this.showPopover();
        } catch {}
      }
      this.#gone = new AbortController();
      const { signal } = this.#gone;
      window.addEventListener("storage", ({ key }) => {
        const { erased } = this.#memory;
        if (key !== this.#memory.name) return;
        const { token, half, renew, signedIn } = this.#memory.merge();
        if (this.#memory.erased !== erased) this.#forget(); // in another tab
        if (this.#server.token || !token || signedIn) return;
        this.#server.token = token; // one visitor, in however many tabs
        Object.assign(this.#memory, { token, half, renew });
      }, { signal });
      window.visualViewport?.addEventListener("resize", () => {
        this.#visible = `--visible: ${window.visualViewport.height}px;`;
        this.#fit();
      }, { signal });
      const sizes = new ResizeObserver(() => this.#fit()); // a change of the page's zoom mostly changes its size
      sizes.observe(document.body);
      signal.addEventListener("abort", () => sizes.disconnect());
    }

    disconnectedCallback() {
      this.#gone?.abort();
    }

    /** To what is seen of the page, whose `zoom` would multiply the units of the viewport too. */
    #fit() {
      this.#scale.replaceSync(`:host { zoom: ${1 / (this.parentElement?.currentCSSZoom || 1)} !important; ${this.#visible} }`);
    }

    #begin() {
      const { server, key } = this.dataset;
      this.#server = new Server(server, key);
      this.#memory = new Memory(`protostar:${server}:${key.slice(0, 12)}`);
      this.#server.token = this.#memory.token ?? null;
      this.#choose();
      this.#draw();
      this.#ready = new Promise((resolve) => (window.requestIdleCallback ?? setTimeout)(resolve, { timeout: 1500 })).then(() => this.#configure());
      if (this.dataset.identity) this.identify(this.dataset.identity).catch(() => {});
      if (this.#memory.pending) this.#run(this.#memory.pending).catch(() => {});
    }

    // -- what the page may call

    open() {
      const { panel, launcher, input } = this.#parts;
      if (!panel.hidden) return;
      this.#fit();
      this.#before = document.activeElement;
      panel.hidden = false;
      launcher.hidden = true;
      launcher.setAttribute("aria-expanded", "true");
      this.#parts.log.scrollTop = this.#parts.log.scrollHeight;
      input.focus({ preventScroll: true });
      this.#tell("open");
    }

    close() {
      const { panel, launcher } = this.#parts;
      if (panel.hidden) return;
      panel.hidden = true;
      launcher.hidden = this.#isRefused;
      launcher.setAttribute("aria-expanded", "false");
      const before = this.#before && this.#before !== document.body && this.#before !== this ? this.#before : launcher;
      before.focus({ preventScroll: true });
      this.#tell("close");
    }

    /** Opens, asks, and resolves with the answer; rejects where there is none. */
    async ask(question) {
      this.open();
      return this.#ask(String(question));
    }

    /** Signs the visitor in with a JWT of your backend; null signs out, and forgets what this device kept. */
    async identify(identity) {
      this.#identifying?.abort(new DOMException("superseded", "AbortError"));
      const { signal } = (this.#identifying = new AbortController());
      try {
        if (identity == null) {
          this.#server.token = null;
          Object.assign(this.#memory, { token: undefined, signedIn: false });
          this.erase();
          return;
        }
        await this.#patiently(() => this.#enter(identity, signal), signal);
      } catch (error) {
        if (!signal.aborted) this.#tell("error", { code: error.code ?? "network", message: error.message });
        throw error;
      }
    }

    /** Forgets the questions and answers on this device. */
    erase() {
      this.#memory.erase();
      this.#forget();
    }

    // -- drawing

    /** Shows what is remembered still. */
    #forget() {
      this.#asking?.abort(new DOMException("erased", "AbortError"));
      this.#memory.settle();
      this.#parts.turns.replaceChildren();
      this.#parts.welcome.hidden = false;
      this.#recall();
    }

    #recall() {
      for (const turn of this.#memory.turns) this.#add(turn.question).finish(turn);
    }

    #choose() {
      const offered = this.#config.languages?.length ? this.#config.languages : ["en", "ko"];
      const wanted = (this.dataset.lang || document.documentElement.lang || navigator.language || "en").toLowerCase().slice(0, 2);
      this.lang = offered.includes(wanted) ? wanted : this.#config.languages?.length ? offered[0] : "en";
      this.#words = WORDS[this.lang];
    }

    #draw() {
      const words = this.#words;
      const parts = this.#parts;
      parts.launcher = make("button", { type: "button", class: "launcher", "aria-label": words.open, "aria-expanded": "false", "aria-haspopup": "dialog", onclick: () => this.open() }, icon("chat"));
      parts.title = make("h2", { id: "title", dir: "auto" });
      parts.confirm = make("div", { class: "bar", hidden: true },
        make("span", {}, words.eraseAsk),
        make("button", { type: "button", class: "pill strong", onclick: () => (this.erase(), this.#confirm(false)) }, words.eraseYes),
        make("button", { type: "button", class: "pill", onclick: () => this.#confirm(false) }, words.cancel));
      parts.greeting = make("p", { class: "greeting", dir: "auto" });
      parts.starters = make("ul", { class: "starters" });
      parts.welcome = make("div", { class: "welcome" }, parts.greeting, parts.starters);
      parts.turns = make("div", { class: "turns", style: null });
      parts.log = make("div", { class: "log", tabindex: "-1" }, parts.welcome, parts.turns);
      parts.input = make("textarea", { rows: "1", maxlength: "4000", dir: "auto", "aria-label": words.placeholder.replace("…", ""), placeholder: words.placeholder, enterkeyhint: "send", oninput: () => this.#refresh(), onkeydown: (event) => this.#typed(event) });
      parts.send = make("button", { type: "submit", class: "send" });
      parts.form = make("form", { class: "ask", onsubmit: (event) => (event.preventDefault(), this.#submit()) }, parts.input, parts.send);
      parts.status = make("div", { class: "quietly", role: "status", "aria-live": "polite" });
      parts.erase = iconButton("erase", words.erase, () => this.#confirm(parts.confirm.hidden));
      parts.panel = make("section", { class: "panel", role: "dialog", "aria-modal": "true", "aria-labelledby": "title", tabindex: "-1", hidden: true, onkeydown: (event) => this.#key(event) },
        make("header", {}, parts.title, parts.erase, iconButton("close", words.close, () => this.close())),
        parts.confirm, parts.log, parts.form, make("footer", {}, words.note), parts.status);
      this.#root.replaceChildren(parts.launcher, parts.panel);
      this.#furnish();
      this.#refresh();
      this.#recall();
    }

    /** Puts in what the owner has set. */
    #furnish() {
      const { title, greeting, starters, welcome, turns } = this.#parts;
      title.textContent = this.dataset.title || this.#config.title || this.#words.title;
      greeting.textContent = this.#config.greeting || this.#words.greeting;
      starters.replaceChildren(...(this.#config.starter_questions ?? []).map((question) => make("li", {}, make("button", { type: "button", dir: "auto", onclick: () => (this.#hold(), this.#ask(question).catch(() => {})) }, question))));
      welcome.hidden = turns.childElementCount > 0;
      const { accent, accent_dark: dark } = this.#config.theme ?? {};
      const colour = (name, value, ground) => (/^#[0-9a-f]{6}$/i.test(value ?? "") ? `--set-${name}: ${value}; --set-on-${name}: ${onColour(value)}; --set-ink-${name}: ${ink(value, ground)};` : "");
      this.#sheet.replaceSync(`:host { ${colour("accent", accent, RAISED[0])} ${colour("accent-dark", dark ?? accent, RAISED[1])} }`);
    }

    async #configure() {
      try {
        this.#config = await this.#patiently(() => this.#server.request("/v1/widget"));
      } catch (error) {
        if (error.status === 403 || error.status === 401) {
          console.warn(`Protostar: ${error.message}`);
          this.#isRefused = this.#parts.launcher.hidden = true;
        }
        return;
      }
      const before = this.lang;
      const { panel, input } = this.#parts;
      this.#choose();
      if (this.lang !== before && !this.#asking) {
        this.#draw();
        this.#parts.input.value = input.value;
        this.#refresh();
        if (!panel.hidden) this.open();
      } else this.#furnish();
    }

    #refresh() {
      const { input, send, turns } = this.#parts;
      const busy = this.#asking !== null;
      if (send.dataset.busy !== String(busy)) {
        send.dataset.busy = busy;
        send.replaceChildren(icon(busy ? "stop" : "send"));
        send.setAttribute("aria-label", busy ? this.#words.stop : this.#words.send);
      }
      const isIdle = !busy && !input.value.trim();
      if (isIdle && this.#root.activeElement === send) this.#hold();
      send.disabled = isIdle;
      for (const again of turns.querySelectorAll(".wrong button")) again.disabled = busy;
    }

    /** Before that which has the focus goes. Where there is no keyboard, the field would bring up the one on the screen. */
    #hold() {
      const { panel, input } = this.#parts;
      (matchMedia("(pointer: coarse)").matches ? panel : input).focus({ preventScroll: true });
    }

    #confirm(shown) {
      this.#parts.confirm.hidden = !shown;
      (shown ? this.#parts.confirm.querySelector("button") : this.#parts.input).focus();
    }

    #say(text) {
      this.#parts.status.textContent = text;
    }

    #tell(name, detail = {}) {
      this.dispatchEvent(new CustomEvent(`protostar:${name}`, { bubbles: true, composed: true, detail }));
    }

    // -- keys

    #typed(event) {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
        event.preventDefault();
        if (!this.#asking) this.#submit();
      }
    }

    #key(event) {
      event.stopPropagation(); // the page's own shortcuts are not meant
      if (event.key === "Escape" && !event.isComposing) {
        if (!this.#parts.confirm.hidden) this.#confirm(false);
        else this.close();
      } else if (event.key === "Tab") {
        const reachable = [...this.#parts.panel.querySelectorAll("button, a[href], textarea, summary, pre, [tabindex='0']")].filter((node) => !node.disabled && node.getClientRects().length);
        const [first, last, now] = [reachable[0], reachable.at(-1), this.#root.activeElement];
        if (event.shiftKey ? now === first || now === this.#parts.panel : now === last) {
          event.preventDefault();
          (event.shiftKey ? last : first).focus();
        }
      }
    }

    // -- asking

    #submit() {
      if (this.#asking) {
        if (performance.now() - this.#sent < SETTLED) return;
        this.#asking.abort(new DOMException("stopped", "AbortError"));
        this.#parts.input.value ||= this.#memory.pending.question;
        return;
      }
      const question = this.#parts.input.value.trim();
      if (!question) return;
      this.#parts.input.value = "";
      this.#ask(question).catch(() => {});
    }

    async #ask(question) {
      question = question.trim();
      if (this.#asking || !question) throw new Error("busy");
      return this.#run({ key: randomId(), question, conversation: this.#memory.conversation });
    }

    /** `pending`: the question, and by what the server knows it already; sent again, it has to be the same. */
    async #run(pending) {
      this.#memory.pending = pending;
      const turn = this.#add(pending.question);
      const asking = (this.#asking = new AbortController());
      this.#sent = performance.now();
      this.#parts.welcome.hidden = true;
      this.#refresh();
      this.#say(this.#words.thinking);
      try {
        const answer = await this.#answered(turn, asking.signal);
        const kept = { id: answer.id, question: answer.question, text: answer.text, found: answer.found, citations: answer.citations.map(({ marker, document_title, heading_path, page, quote }) => ({ marker, document_title, heading_path, page, quote })), degraded: answer.degraded, corrected: Boolean(answer.corrected) };
        this.#memory.turns.push(kept);
        this.#memory.settle();
        this.#memory.save();
        turn.finish(kept);
        this.#say(answer.text.replace(/\[\d+\]|[*_`#]/g, ""));
        this.#tell("answer", { question: answer.question, text: answer.text, found: answer.found, citations: kept.citations });
        return answer;
      } catch (error) {
        if (asking.signal.aborted) turn.node.remove();
        else this.#failed(turn, error);
        if (asking.signal.aborted || !passes(error, 0)) this.#memory.settle();
        this.#memory.save();
        throw error;
      } finally {
        this.#asking = null;
        this.#refresh();
      }
    }

    /** The whole answer, through every loss of the connection. */
    async #answered(turn, signal) {
      const pending = this.#memory.pending;
      let last = null;
      let text = "";
      let renewed = false;
      const anew = () => {
        pending.answer = undefined;
        pending.conversation = this.#memory.conversation;
        last = null;
        text = "";
      };
      for (let tries = 0; ; ) {
        let failure = new TypeError("the answer broke off");
        try {
          await this.#enter(null, signal);
          this.#memory.save();
          const response = await (pending.answer
            ? this.#server.request(`/v1/answers/${pending.answer}/events`, { signal, stream: true, headers: last ? { "Last-Event-ID": last } : {} })
            : this.#server.request("/v1/answers", {
                signal,
                stream: true,
                headers: { "Idempotency-Key": pending.key },
                body: { question: pending.question, stream: true, ...(pending.conversation && { conversation_id: pending.conversation }) },
              }));
          for await (const event of eventsOf(response)) {
            tries = 0;
            if (event.name === "start") this.#started(pending, event.data);
            else if (event.name === "done") return event.data.answer;
            else if (event.name === "error") throw new Failed(event.data.problem.status, event.data.problem, event.data.problem.retry_after);
            else text = event.name === "reset" ? "" : text + event.data.text;
            last = event.id ?? last;
            turn.show(text);
          }
        } catch (error) {
          signal.throwIfAborted();
          if (error.status === 403 && this.#server.token && !renewed) {
            // The token has run out: a new one is another visitor, with a conversation of its own.
            renewed = true;
            this.#server.token = null;
            Object.assign(this.#memory, { token: undefined, conversation: undefined, signedIn: false });
            anew();
            continue;
          }
          // Its owner has deleted the conversation. A new question begins another one; one that was taken in is not asked again
          // by itself: perhaps just that was to be erased.
          if (error.status === 404) this.#memory.conversation = undefined;
          if (error.status === 404 && pending.conversation && !pending.answer) anew();
          else if (!passes(error, tries)) throw error;
          failure = error;
        }
        if (tries + 1 >= TRIES) throw failure;
        tries = await this.#pause(failure, tries, { turn, signal });
      }
    }

    #started(pending, data) {
      pending.answer = data.answer_id;
      this.#memory.conversation = data.conversation_id;
      if (data.visitor_token) {
        this.#server.token = data.visitor_token;
        this.#memory.keepToken(data.visitor_token);
      }
      this.#memory.save();
    }

    /** How many tries have failed then: those of a device that knows itself offline do not count. */
    async #pause(failure, tries, { turn, signal } = {}) {
      const isOnline = navigator.onLine;
      const words = isOnline ? this.#words.reconnecting : this.#words.offline;
      turn?.wait(words);
      if (turn && (tries > 0 || !isOnline)) this.#say(words);
      const wait = isOnline ? Math.min(LONGEST, 300 * 2 ** tries) * (0.5 + Math.random() / 2) : LONGEST;
      await sleep(Math.max(wait, Math.min(failure.retryAfter ?? 0, 60) * 1000), signal);
      return isOnline ? tries + 1 : 0;
    }

    /** What it gives, over as many tries as the connection needs. */
    async #patiently(request, signal) {
      for (let tries = 0; ; ) {
        try {
          return await request();
        } catch (error) {
          signal?.throwIfAborted();
          if (!passes(error, tries) || tries + 1 >= TRIES) throw error;
          tries = await this.#pause(error, tries, { signal });
        }
      }
    }

    /** One after the other: who signs in takes along what was asked before. */
    #enter(identity, signal) {
      return (this.#entering = this.#enterAfter(this.#entering, identity, signal));
    }

    async #enterAfter(before, identity, signal) {
      await before?.catch(() => {});
      signal.throwIfAborted();
      const has = !identity && this.#server.token;
      if (has && (this.#memory.signedIn || Date.now() < this.#memory.renew)) return;
      try {
        const made = await this.#server.enter(identity, signal);
        // Halfway through, so that none runs out in the middle of an answer, and who comes every day stays the same visitor. The
        // clock of the device may be wrong by days.
        this.#memory.keepToken(made.visitor_token, Math.max(60_000, (Date.parse(made.expires_at) - Date.now()) / 2));
        this.#memory.signedIn = made.signed_in;
        this.#memory.save();
      } catch (error) {
        // The one that it has may still be good; else the server will say so.
        if (!has || error.status === 403) throw error;
      }
    }

    #failed(turn, error) {
      const words = this.#words;
      let message = error instanceof Refused ? words.failed : words.unreachable;
      const { pending } = this.#memory;
      let again = () => (passes(error, 0) ? this.#run(pending) : this.#ask(pending.question));
      if (error.status === 429) {
        const when = this.#when(error.retryAfter ?? 60);
        message = error.code === "sign_in_needed" ? words.signIn(when) : words.limit(when);
        again = null;
      } else if (error.status === 401 || error.status === 403) {
        message = words.forbidden;
        again = null;
      }
      if (!again) {
        this.#parts.input.value ||= pending.question; // for another time
        this.#refresh();
      }
      turn.fail(message, again);
      this.#say(message);
      this.#tell("error", { code: error.code ?? "network", message: error.message, retryAfter: error.retryAfter ?? null });
    }

    /** When a limit has ended, in words: a full minute, and the day where that is another one. Up to a second is the server's rounding. */
    #when(seconds) {
      const then = new Date(Math.ceil((Date.now() + (seconds - 1) * 1000) / 60_000) * 60_000);
      const format = (options) => new Intl.DateTimeFormat(this.lang, options).format(then);
      const today = then.toDateString() === new Date().toDateString();
      return this.#words.at(format({ hour: "numeric", minute: "2-digit" }), today ? null : format({ weekday: "long" }));
    }

    // -- a question and its answer

    #add(question) {
      const words = this.#words;
      const { turns, log } = this.#parts;
      const body = make("div", { class: "answer" });
      const state = make("span", {}, words.thinking);
      const node = make("article", { "aria-label": words.answer }, make("p", { class: "question" }, make("span", { class: "quietly" }, `${words.you}: `), make("bdi", {}, question)), body,
        make("p", { class: "note" }, make("span", { class: "dots", "aria-hidden": "true" }, make("i"), make("i"), make("i")), state));
      turns.append(node);
      this.#parts.welcome.hidden = true;
      /** Whoever is at the end stays there, but for the question in view: a long answer is read from its beginning. */
      const follow = (change) => {
        const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 140;
        const room = node.getBoundingClientRect().top - log.getBoundingClientRect().top - 20; // above the question
        change();
        if (isAtEnd) log.scrollTop += room > -2 ? room : log.scrollHeight;
      };
      log.scrollTop = log.scrollHeight;
      let waiting = null;
      const number = (n) => make("span", { class: "chip" }, String(n));
      return {
        node,
        wait: (words) => follow(() => { state.textContent = words; }),
        show: (text) => {
          state.textContent = text ? "" : words.thinking;
          const scheduled = waiting !== null;
          waiting = text;
          if (scheduled) return;
          requestAnimationFrame(() => {
            const shown = waiting;
            waiting = null;
            if (shown) follow(() => body.replaceChildren(markdown(shown, number)));
          });
        },
        finish: (answer) => {
          waiting = "";
          follow(() => node.replaceChildren(node.firstChild, ...this.#finished(answer)));
        },
        fail: (message, again) => {
          waiting = "";
          const retry = () => (this.#hold(), node.remove(), again().catch(() => {}));
          follow(() => node.replaceChildren(node.firstChild, make("p", { class: "note wrong" }, message, again ? make("button", { type: "button", class: "pill", onclick: retry }, words.retry) : null)));
        },
      };
    }

    #finished(answer) {
      const words = this.#words;
      const details = new Map();
      for (const citation of answer.citations) details.set(citation.marker, this.#source(citation));
      const cite = (n) => {
        const target = details.get(n);
        if (!target) return null;
        const show = () => {
          target.open = true;
          target.scrollIntoView({ block: "nearest" });
          target.firstChild.focus();
        };
        const { document_title: title } = answer.citations.find((citation) => citation.marker === n);
        return make("button", { type: "button", class: "chip", "aria-label": words.source(n, title), title, onclick: show }, String(n));
      };
      const without = answer.degraded ?? [];
      const notes = [
        answer.corrected && words.corrected,
        without.includes("no_chat_model") && answer.found !== false && words.quoted,
        without.includes("no_citations") && words.uncited,
        without.includes("incomplete") && words.incomplete,
      ].filter(Boolean);
      return [
        markdown(answer.text, cite),
        ...notes.map((note) => make("p", { class: "note" }, note)),
        details.size ? make("div", { class: "sources" }, make("h3", {}, words.sources), ...details.values()) : "",
        ...this.#tools(answer),
      ];
    }

    #source({ marker, document_title: title, heading_path: path, page, quote }) {
      const where = [page != null && this.#words.page(page), ...(path ?? [])].filter(Boolean).join(" › ");
      return make("details", {}, make("summary", {}, make("span", { class: "chip", "aria-hidden": "true" }, String(marker)), make("span", { dir: "auto" }, title, where ? make("span", { class: "where" }, where) : null)), make("blockquote", { class: "quote", dir: "auto" }, quote));
    }

    #tools(answer) {
      const words = this.#words;
      const note = make("span", { class: "note" });
      const reason = make("form", { class: "reason", hidden: true });
      const field = make("textarea", { id: `why-${answer.id}`, rows: "2", maxlength: "1000" });
      reason.append(make("label", { for: field.id }, words.why), field, make("button", { type: "submit", class: "pill" }, words.sendReason));
      const buttons = {};
      let { rating: taken } = answer;
      const show = () => {
        for (const [name, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(answer.rating === name));
      };
      /** It shows at once, and is taken back where it fails. */
      const rate = async (rating, why) => {
        answer.rating = rating;
        show();
        try {
          await this.#server.request(`/v1/answers/${answer.id}/feedback`, { body: { rating, reason: why || null } });
          taken = rating;
          this.#memory.save();
          note.textContent = rating ? words.thanks : "";
          if (why !== undefined) reason.hidden = true;
        } catch (error) {
          answer.rating = taken;
          show();
          const isSettled = [401, 403, 404].includes(error.status); // whose it was is nobody here any more
          note.textContent = isSettled ? words.settled : words.unrated;
          if (isSettled) {
            copy.focus({ preventScroll: true });
            buttons.up.hidden = buttons.down.hidden = reason.hidden = true;
          }
        }
        this.#say(note.textContent);
      };
      for (const name of ["up", "down"]) {
        buttons[name] = iconButton(name, words[name], () => {
          const rating = answer.rating === name ? null : name;
          reason.hidden = rating !== "down";
          if (!reason.hidden) {
            field.focus({ preventScroll: true });
            reason.scrollIntoView({ block: "nearest" });
          }
          rate(rating);
        });
      }
      show();
      reason.addEventListener("submit", async (event) => {
        event.preventDefault();
        event.submitter.disabled = true;
        await rate("down", field.value.trim());
        event.submitter.disabled = false;
        buttons.down.focus();
      });
      const copy = iconButton("copy", words.copy, async () => {
        const sources = answer.citations.map(({ marker, document_title: title, page }) => `[${marker}] ${title}${page != null ? `, ${words.page(page)}` : ""}`);
        try {
          await navigator.clipboard.writeText([answer.text, ...(sources.length ? ["", ...sources] : [])].join("\n"));
          note.textContent = words.copied;
        } catch {
          note.textContent = words.uncopied;
        }
        this.#say(note.textContent);
      });
      return [make("div", { class: "tools" }, copy, buttons.up, buttons.down, note), reason];
    }
  }

  customElements.define("protostar-widget", Widget);

  function insert() {
    const { key, lang, theme, position, title, identity, server } = script.dataset;
    const there = document.querySelector("protostar-widget[data-key]");
    if (there && there.dataset.key !== key) console.warn("Protostar: this page has a widget with another key already; one page shows one.");
    if (there) return;
    const element = document.createElement("protostar-widget");
    Object.assign(element.dataset, JSON.parse(JSON.stringify({ key, lang, theme, position, title, identity, server: (server || new URL(script.src).origin).replace(/\/$/, "") })));
    document.body.append(element);
  }
  place();
})();
