'use strict';
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
document.documentElement.classList.add('js');
all('[data-needs-script]').forEach((part) => { part.hidden = false; });

/* What a screen reader is told, and what is shown for a moment. */
const told = one('#told');
let forgetting = 0;
function tell(words) {
  told.textContent = words;
  clearTimeout(forgetting);
  forgetting = setTimeout(() => { told.textContent = ''; }, 4000);
}

/* Copying. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement('textarea');
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  }
  tell('copied');
}
function frames(part) {
  return all('.frame', part).map((frame) => ' ' + all('.fn,.src', frame).map((word) => word.textContent).join(' ')).join('\n');
}
document.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-copy],button[data-copy-stack]');
  if (!button) return;
  if (button.dataset.copy !== undefined) return copy(button.dataset.copy);
  const card = button.closest('.card');
  const stack = one('.stack', card);
  return copy(one('.title', card).textContent + '\n\nCall Trace:\n <TASK>\n' + (stack ? frames(stack) : '') + '\n </TASK>\n');
});

/* Whatever is linked to is shown, folded or not. */
function reveal(part) {
  for (let at = part; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true;
}
function follow() {
  const id = decodeURIComponent(location.hash.slice(1));
  const line = /^L(\d+)$/.exec(id);
  if (line && window.log) return window.log.go(Number(line[1]));
  const part = id && document.getElementById(id);
  if (!part) return;
  reveal(part);
  part.scrollIntoView({ block: 'start' });
  if (part.matches('.card')) current = part;
}
addEventListener('hashchange', follow);
document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="#"]');
  // The address does not change when the same place is asked for again.
  if (link && link.getAttribute('href') === location.hash) { event.preventDefault(); follow(); }
});

/* Keys. */
let current = null;
function step(by) {
  const cards = all('.card').filter((card) => !card.hidden);
  if (!cards.length) return;
  const at = cards.indexOf(current);
  const next = at < 0 ? (by > 0 ? 0 : cards.length - 1) : Math.min(cards.length - 1, Math.max(0, at + by));
  current = cards[next];
  all('.card.current').forEach((card) => card.classList.remove('current'));
  current.classList.add('current');
  if (current.tagName === 'DETAILS') current.open = true;
  (one('summary,a', current) || current).focus({ preventScroll: true });
  current.scrollIntoView({ block: 'start' });
}
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const typing = event.target.closest('input,select,textarea');
  if (event.key === 'Escape' && typing) { event.target.blur(); return; }
  if (typing) return;
  const act = {
    j: () => step(1),
    k: () => step(-1),
    o: () => { if (current) current.open = !current.open; },
    c: () => { const button = current && one('button[data-copy]', current); if (button) button.click(); },
    l: () => { const log = one('#log'); if (log) { log.scrollIntoView(); one('#lines', log).focus(); } },
    t: () => scrollTo(0, 0),
    '/': () => { const field = one('#words'); if (field) { field.focus(); field.select(); } },
    '?': () => { const help = one('#keys'); help.open = !help.open; help.scrollIntoView({ block: 'nearest' }); },
  }[event.key];
  if (act) { event.preventDefault(); act(); }
});

/* Cards by severity, caller and words. */
function filterCards() {
  const [words, caller, rank] = ['#words', '#caller', '#severity'].map((id) => (one(id) ? one(id).value.trim() : ''));
  for (const card of all('.card')) {
    const text = words && card.textContent.toLowerCase();
    const out = (rank !== '' && Number(card.dataset.rank) > Number(rank))
      || (caller && !(card.dataset.callers || '').split(' ').includes(caller))
      || (words && !text.includes(words.toLowerCase()));
    card.hidden = Boolean(out);
  }
  const shown = all('.card').filter((card) => !card.hidden).length;
  const count = one('#shown');
  if (count) count.textContent = words || caller || rank !== '' ? `${shown} of ${all('.card').length} cards` : '';
}
if (one('#filters')) {
  let waiting = 0;
  one('#filters').addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { filterCards(); if (window.log) window.log.filter(); }, 120);
  });
  one('#filters').addEventListener('submit', (event) => event.preventDefault());
  one('#clear').addEventListener('click', () => {
    one('#filters').reset();
    filterCards();
    if (window.log) window.log.filter();
  });
}

/* A box that is pointed at shows its way to the root, and what a click on it is for. */
for (const picture of all('svg.k')) {
  const boxes = all('.n', picture);
  const edges = all('path.edge[data-from]', picture);
  if (!edges.length) continue;
  const trace = (start) => {
    const seen = new Set();
    const open = [start];
    while (open.length) {
      const at = open.pop();
      if (seen.has(at)) continue;
      seen.add(at);
      for (const edge of edges) if (edge.dataset.from === at) open.push(edge.dataset.to);
    }
    picture.classList.add('trace');
    boxes.forEach((box) => box.classList.toggle('dim', !seen.has(box.dataset.node)));
    edges.forEach((edge) => edge.classList.toggle('dim', !seen.has(edge.dataset.from)));
  };
  // A picture that is wider than the window begins with its root.
  const first = one('.root,.dead', picture);
  const frame = picture.closest('.wide');
  if (first && frame && frame.clientWidth && frame.scrollWidth > frame.clientWidth) {
    const box = one('.node', first);
    frame.scrollLeft = Number(box.getAttribute('x')) + Number(box.getAttribute('width')) / 2 - frame.clientWidth / 2;
  }
  const clear = () => picture.classList.remove('trace');
  for (const box of boxes) {
    if (!box.dataset.node) continue;
    box.addEventListener('mouseenter', () => trace(box.dataset.node));
    box.addEventListener('focusin', () => trace(box.dataset.node));
    box.addEventListener('mouseleave', clear);
    box.addEventListener('focusout', clear);
    if (box.classList.contains('crowd')) box.addEventListener('click', (event) => {
      const opened = picture.closest('.graph') && one('.opened', picture.closest('.graph'));
      if (!opened || event.target.closest('a') || opened.contains(picture)) return;
      opened.open = true;
      opened.scrollIntoView({ block: 'start' });
    });
  }
}

/* A run that lives comes again; whoever reads may hold it. */
const fresh = one('#fresh');
if (fresh) {
  const seconds = Number(fresh.dataset.seconds);
  const hold = one('#hold');
  const store = (put) => { try { return put(sessionStorage); } catch { return null; } };
  const kept = store((s) => s.getItem('kanalyze-place'));
  if (kept) scrollTo(0, Number(kept));
  setInterval(() => {
    if (hold.checked || document.hidden) return;
    store((s) => s.setItem('kanalyze-place', String(scrollY)));
    location.reload();
  }, seconds * 1000);
}
