// Markdown as nodes: headings, lists, quotes, tables, code, emphasis, links to the web. HTML in it stays text, images stay words.

import { el } from "./dom.js";

const SAFE = /^(https?:\/\/|mailto:)/i;

// The nodes of a text. `marker(number)` makes what stands for «[number]».
export function markdown(text, marker = (number) => `[${number}]`) {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  // An answer stands below a heading of the second level, and leaves out none, whatever it begins with.
  const top = Math.min(6, ...lines.map((line) => HEADING.exec(line)?.[1].length ?? 6));
  return blocks(lines, marker, 0, top);
}

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+-]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const ITEM = /^( {0,9})([-*+•]|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const RULE = /^ {0,3}([-*_])( *\1){2,} *$/;
const DELIMITER = /^ *\|? *:?-+:? *(\| *:?-+:? *)*\|? *$/;

function blocks(lines, marker, depth, top) {
  const made = [];
  let paragraph = [];
  const flush = () => {
    if (paragraph.length) made.push(el("p", {}, ...inline(paragraph.join("\n"), marker)));
    paragraph = [];
  };
  for (let at = 0; at < lines.length; ) {
    const line = lines[at];
    let match;
    if (!line.trim()) { flush(); at++; }
    else if ((match = FENCE.exec(line))) {
      flush();
      const end = lines.findIndex((each, n) => n > at && each.trim().startsWith(match[1]));
      const stop = end < 0 ? lines.length : end;
      made.push(el("pre", { tabindex: 0 }, el("code", {}, lines.slice(at + 1, stop).join("\n"))));
      at = stop + 1;
    } else if ((match = HEADING.exec(line))) {
      flush();
      made.push(el(`h${Math.min(6, match[1].length - top + 3)}`, {}, ...inline(match[2], marker)));
      at++;
    } else if (RULE.test(line)) { flush(); made.push(el("hr")); at++; }
    else if (QUOTE.test(line) && depth < 6) {
      flush();
      const quoted = [];
      while (at < lines.length && (match = QUOTE.exec(lines[at]))) { quoted.push(match[1]); at++; }
      made.push(el("blockquote", {}, ...blocks(quoted, marker, depth + 1, top)));
    } else if (ITEM.test(line) && depth < 6) {
      flush();
      const [list, next] = listOf(lines, at, marker, depth, top);
      made.push(list);
      at = next;
    } else if (line.includes("|") && DELIMITER.test(lines[at + 1] ?? "") && lines[at + 1].includes("|")) {
      flush();
      const rows = [];
      const head = cells(line);
      for (at += 2; at < lines.length && lines[at].includes("|"); at++) rows.push(cells(lines[at]));
      const cell = (tag) => (text) => el(tag, {}, ...inline(text, marker));
      made.push(el("div.table-scroll", { tabindex: 0 }, el("table.table", {}, el("thead", {}, el("tr", {}, ...head.map(cell("th")))), el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map(cell("td"))))))));
    } else { paragraph.push(line.trim()); at++; }
  }
  flush();
  return made;
}

function listOf(lines, at, marker, depth, top) {
  const [, indent, bullet] = ITEM.exec(lines[at]);
  const ordered = /\d/.test(bullet);
  const list = el(ordered ? "ol" : "ul", ordered && Number.parseInt(bullet) !== 1 ? { start: Number.parseInt(bullet) } : {});
  for (let last = 0, apart = false; at < lines.length; ) {
    const match = ITEM.exec(lines[at]);
    if (!match || match[1].length !== indent.length || /\d/.test(match[2]) !== ordered) break;
    const number = Number.parseInt(match[2]);
    if (apart && number === 1 && last > 1) break; // a new count after a blank line, unless every item is numbered 1
    last = number;
    const body = [match[3]];
    // What is indented further, also after a blank line, belongs to the item.
    for (at++; at < lines.length; at++) {
      const deeper = /^( *)\S/.exec(lines[at])?.[1].length > indent.length;
      const goesOn = !lines[at].trim() && /^( *)\S/.exec(lines[at + 1] ?? "")?.[1].length > indent.length;
      if (!deeper && !goesOn) break;
      body.push(lines[at].slice(Math.min(indent.length + 2, /^ */.exec(lines[at])[0].length)));
    }
    const made = blocks(body, marker, depth + 1, top);
    list.append(el("li", {}, ...(made.length === 1 && made[0].tagName === "P" ? made[0].childNodes : made)));
    apart = !lines[at]?.trim();
    while (at < lines.length && !lines[at].trim() && ITEM.exec(lines[at + 1] ?? "")?.[1].length === indent.length) at++;
  }
  return [list, at];
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());

const INLINE = new RegExp([
  "(?<code>`+)(?<coded>[^\\n]*?[^`\\n])\\k<code>(?!`)",
  "\\[(?<marker>\\d{1,3})\\](?!\\()",
  "(?<image>!)?\\[(?<label>[^\\]\\n]{0,500})\\]\\((?<href>[^()\\s]{0,2000})(?:\\s+\"[^\"]*\")?\\)",
  "(?<url>https?://[^\\s<>()\\[\\]]*[^\\s<>()\\[\\].,;:!?'\"])",
  "(?<strong>\\*\\*|__)(?=\\S)(?<bold>[^\\n]+?)\\k<strong>",
  "(?<em>[*_])(?=[^\\s*_])(?<slanted>[^\\n*_]+?)\\k<em>(?![\\w*])",
  "(?<line>\\n)",
].join("|"), "gu");

function inline(text, marker) {
  const made = [];
  let last = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > last) made.push(text.slice(last, match.index));
    last = match.index + match[0].length;
    const found = match.groups;
    if (found.coded) made.push(el("code", {}, found.coded.trim()));
    else if (found.marker) made.push(marker(Number(found.marker)));
    else if (found.href !== undefined) made.push(found.image ? found.label : link(found.href, inline(found.label, marker)));
    else if (found.url) made.push(link(found.url, [found.url]));
    else if (found.bold) made.push(el("strong", {}, ...inline(found.bold, marker)));
    else if (found.slanted) made.push(el("em", {}, ...inline(found.slanted, marker)));
    else made.push(el("br"));
  }
  made.push(text.slice(last));
  return made.filter((each) => each !== "");
}

const link = (href, children) => (SAFE.test(href) ? el("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children) : el("span", {}, ...children));
