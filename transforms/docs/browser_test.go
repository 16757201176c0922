//go:build browser

package docs

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// These tests run the page in Chromium: `make browser`.

// chromium is the name or path of the browser.
func chromium() string {
	if name := os.Getenv("RIPEN_CHROMIUM"); name != "" {
		return name
	}
	return "chromium"
}

// Widths of what people look at, in pixels.
const (
	phone   = 400
	desktop = 1300
)

// probe is a script that is put behind the page's own. It does steps one after
// the other, waits until the page has followed, and leaves their results where
// --dump-dom shows them.
const probe = `<script>
(async () => {
  const $ = (s) => document.querySelector(s), all = (s) => [...document.querySelectorAll(s)];
  const settle = () => new Promise((done) => setTimeout(done, 20));
  const key = (key) => (document.activeElement || document.body).dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
  const type = (text) => { $("#search").value = text; $("#search").dispatchEvent(new Event("input")); };
  const shown = () => all("article.shown").map((a) => a.id).join(" ");
  const listed = () => all("#list li").filter((i) => i.offsetParent).map((i) => i.dataset.id).join(" ");
  const near = () => all(".box.near").map((b) => b.dataset.id).sort().join(" ");
  const go = async (hash) => { location.hash = hash; await settle(); };
  const click = async (id) => { $('.box[data-id="' + id + '"]').dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true})); await settle(); };
  const wide = () => all("body *").filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".graph, .sql, .scroll, .hidden, .skip")).map((e) => e.tagName + "." + e.className);
  const result = {};
  addEventListener("error", (e) => { result.error = e.message; });
  try { STEPS } catch (e) { result.error = String(e); }
  parent.postMessage(JSON.stringify(result), "*");
})();
</script></body>`

// frame holds the page: a window without a head is never as narrow as a phone.
const frame = `<!doctype html><iframe src="docs.html" width="WIDTH" height="900"></iframe><script>
addEventListener("message", (event) => {
  const out = document.createElement("pre");
  out.id = "probe";
  out.textContent = event.data;
  document.body.append(out);
});
</script>`

// browse opens the page as wide as is said, in pixels, with a probe, and returns
// what its steps found.
func browse(t *testing.T, width int, steps string, flags ...string) map[string]any {
	t.Helper()
	page := strings.Replace(write(t, testSite()), "</body>", strings.Replace(probe, "STEPS", steps, 1), 1)
	dir := t.TempDir()
	file := filepath.Join(dir, "frame.html")
	for name, text := range map[string]string{"docs.html": page, "frame.html": strings.Replace(frame, "WIDTH", strconv.Itoa(width), 1)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := append([]string{"--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + t.TempDir(), "--virtual-time-budget=5000", "--dump-dom"}, flags...)
	out, err := exec.CommandContext(ctx, chromium(), append(args, "file://"+file)...).Output()
	if err != nil {
		t.Fatalf("%s: %v (install it: apt-get install chromium, or name another with RIPEN_CHROMIUM)", chromium(), err)
	}
	_, rest, ok := strings.Cut(string(out), `<pre id="probe">`)
	text, _, closed := strings.Cut(rest, "</pre>")
	if !ok || !closed {
		t.Fatalf("the probe left nothing in %d bytes", len(out))
	}
	result := map[string]any{}
	if err := json.Unmarshal([]byte(html.UnescapeString(text)), &result); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return result
}

// expect compares results with what is wanted, both as JSON.
func expect(t *testing.T, got map[string]any, want map[string]any) {
	t.Helper()
	for name, value := range want {
		wanted, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		is, err := json.Marshal(got[name])
		if err != nil {
			t.Fatal(err)
		}
		if string(is) != string(wanted) {
			t.Errorf("%s is %s, want %s", name, is, wanted)
		}
	}
	if got["error"] != nil {
		t.Errorf("the page fails: %v", got["error"])
	}
}

func TestPage_ShowsOneModelAtATime(t *testing.T) {
	expect(t, browse(t, desktop, `
		result.first = shown();
		await go("core.fct_item"); result.model = shown(); result.current = $("[aria-current]").hash; result.title = document.title; result.top = scrollY;
		await go("staging.stg_order.order_id"); result.column = shown();
		result.target = $("tr.target").id; result.open = $("tr.target details").open;
		await go("nothing"); result.unknown = shown();
		await go("core.fct_item"); history.back(); await settle(); await settle(); result.back = shown();
	`), map[string]any{
		"first": "overview", "model": "core.fct_item", "current": "#core.fct_item", "title": "core.fct_item · shop & <co>: models", "top": 0,
		"column": "staging.stg_order", "target": "staging.stg_order.order_id", "open": true, "unknown": "overview", "back": "overview",
	})
}

func TestPage_Searches(t *testing.T) {
	expect(t, browse(t, desktop, `
		type("fct"); result.name = listed(); result.count = $("#count").textContent;
		type("order_id"); result.column = listed(); result.hit = $('li[data-id="staging.stg_order"] .hit').textContent;
		type("items sold"); result.words = listed();
		type("zzz"); result.none = listed(); result.says = Boolean($("#none").offsetParent);
		type(""); result.all = listed().split(" ").length;
	`), map[string]any{
		"name": "core.fct_item core.fct_item_v1", "count": "2", "column": "staging.stg_order", "hit": "order_id",
		"words": "core.fct_item", "none": "", "says": true, "all": 6,
	})
}

func TestPage_IsUsedByKeyboard(t *testing.T) {
	expect(t, browse(t, desktop, `
		key("/"); result.search = document.activeElement.id;
		type("item"); key("ArrowDown"); result.down = document.activeElement.hash;
		key("ArrowDown"); result.second = document.activeElement.hash;
		key("ArrowUp"); key("ArrowUp"); result.up = document.activeElement.id;
		key("Enter"); await settle(); result.entered = shown();
		key("/"); key("Escape"); result.cleared = $("#search").value; result.left = document.activeElement.id;
		await go("graph/core.fct_item"); key("Escape"); await settle(); result.escaped = location.hash;
		result.reachable = all(".box").every((b) => b.tabIndex === 0);
	`), map[string]any{
		"search": "search", "down": "#core.fct_item", "second": "#core.fct_item_v1", "up": "search", "entered": "core.fct_item",
		"cleared": "", "left": "", "escaped": "#top", "reachable": true,
	})
}

func TestPage_GraphShowsWhatAModelReadsAndWhatReadsIt(t *testing.T) {
	expect(t, browse(t, desktop, `
		await click("staging.stg_order");
		result.near = near(); result.says = $("#around").textContent; result.open = $("#open").hash; result.shown = shown();
		result.lines = all(".lines path.near").length;
		await click("core.fct_item_v1"); result.alone = near();
		await click("core.fct_item_v1"); result.opened = shown();
		await go("graph/report.rpt_item"); result.up = near();
		$("#clear").click(); await settle(); result.cleared = [location.hash, Boolean($("#chosen").offsetParent), $("#graph").classList.contains("chosen-one")];
	`), map[string]any{
		"near": "core.fct_item raw_shop.orders report.rpt_item staging.stg_order",
		"says": "reads 1 tables and is read by 2, directly or through others.", "open": "#staging.stg_order", "shown": "overview", "lines": 3 + 1,
		"alone": "core.fct_item_v1", "opened": "core.fct_item_v1",
		"up":      "core.fct_item raw_shop.items raw_shop.orders report.rpt_item staging.stg_order",
		"cleared": []any{"#top", false, false},
	})
}

func TestPage_FitsAPhoneAndAScreenInBothColourSchemes(t *testing.T) {
	steps := `
		result.wide = [];
		for (const hash of ["top", "graph/core.fct_item", "core.fct_item", "staging.stg_order", "raw_shop.orders"]) { await go(hash); result.wide.push(...wide()); }
		result.width = innerWidth; result.scrolls = document.documentElement.scrollWidth > innerWidth;
		result.dark = matchMedia("(prefers-color-scheme: dark)").matches;
		const luminance = (c) => { const [r, g, b] = c.match(/[\d.]+/g).map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
		const back = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\)$/.test(c)) return c; } return "rgb(255, 255, 255)"; };
		await go("staging.stg_order");
		result.faint = all("article.shown *").filter((e) => e.offsetParent && e.textContent.trim() && !e.children.length).map((e) => {
			const [a, b] = [luminance(getComputedStyle(e).color), luminance(back(e))];
			return [e.tagName + "." + e.className, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
		}).filter(([, contrast]) => contrast < 4.5);
	`
	for _, width := range []int{phone, desktop} {
		for scheme, dark := range []bool{true, false} { // as Chromium numbers them
			got := browse(t, width, steps, fmt.Sprintf("--blink-settings=preferredColorScheme=%d", scheme))
			expect(t, got, map[string]any{"width": width, "wide": []any{}, "scrolls": false, "dark": dark, "faint": []any{}})
		}
	}
}

func TestPage_CanBeReadWithoutItsScript(t *testing.T) {
	page := write(t, testSite())
	start, end := strings.LastIndex(page, "<script>"), strings.LastIndex(page, "</script>")
	page = page[:start] + page[end+len("</script>"):]
	// The page's own script is gone; this one only looks.
	page = strings.Replace(page, "</body>", `<script>
		const seen = [...document.querySelectorAll("article")].filter((a) => a.offsetParent).length;
		document.body.insertAdjacentHTML("beforeend", "<pre id=seen>" + seen + " " + Boolean(document.querySelector("#search").offsetParent) + "</pre>");
	</script></body>`, 1)
	file := filepath.Join(t.TempDir(), "docs.html")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), chromium(), "--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(), "--dump-dom", "file://"+file).Output()
	if err != nil {
		t.Fatalf("%s: %v", chromium(), err)
	}
	if want := `<pre id="seen">7 false</pre>`; !strings.Contains(string(out), want) {
		t.Errorf("%s is not in the page", want)
	}
}
