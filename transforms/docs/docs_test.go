package docs

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// testSite is a project of two raw tables and four models, one of them without
// anything that may be left out, with text that HTML could trip over.
func testSite() Site {
	link := func(name string) Link { return Link{Name: name, ID: name} }
	return Site{
		Project: "shop & <co>", Version: "1.2.3",
		Sources: []Source{
			{Name: "raw_shop.items", Description: "Items.", Children: []Link{link("core.fct_item")}},
			{Name: "raw_shop.orders", Description: "Orders.", Children: []Link{link("staging.stg_order")}, Columns: []Column{
				{Name: "id", Type: "STRING", IsKey: true, From: []Origin{{Link: Link{Name: "shop:order"}, Column: "id", How: "identity"}},
					To: []Origin{{Link: link("staging.stg_order"), Column: "order_id", How: "identity"}}},
			}},
		},
		Models: []Model{
			{Name: "core.fct_item", Dataset: "core", Version: 2, Kind: "table", Origin: "shipped with ripen", Grain: "item", Description: "Items sold.",
				Parents: []Link{link("staging.stg_order"), link("raw_shop.items")}, Children: []Link{link("report.rpt_item"), {Name: "report.rpt_elsewhere"}},
				SQL: "-- One row per item.\nselect * from core.fct_item_v2, `raw_shop.items`, core.unknown", Compiled: "select 'a\\' as x"},
			{Name: "core.fct_item_v1", Dataset: "core", Version: 1, Kind: "view", SQL: "select 1"},
			{Name: "report.rpt_item", Dataset: "report", Version: 1, Kind: "table", Parents: []Link{link("core.fct_item"), link("staging.stg_order")},
				SQL: "select lower(if(a < 1, 'x', @as_of)) from core.fct_item # </code><script>"},
			{Name: "staging.stg_order", Dataset: "staging", Version: 1, Kind: "view", Grain: "order", Description: "Orders </script><script>alert(1)</script>.",
				Owner: "revops", Tags: []string{"daily"}, Key: []string{"order_id"}, Checks: []string{"unique: order_id"}, Cases: []string{"newest wins", ""},
				Parents: []Link{link("raw_shop.orders")}, Children: []Link{link("core.fct_item"), link("report.rpt_item")},
				Columns: []Column{{Name: "order_id", Type: "STRING", Description: "The order.", IsKey: true, Checks: []string{"not null"},
					From: []Origin{{Link: link("raw_shop.orders"), Column: "id", How: "identity"}}}},
				Path: "sql/staging/stg_order_v1/query.sql", SQL: "select id as order_id from raw_shop.orders",
				Build: &Build{Table: "ripen_build.x", Rows: 1234, BuiltAt: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}},
		},
	}
}

func write(t *testing.T, site Site) string {
	t.Helper()
	var page bytes.Buffer
	if err := Write(&page, site); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func TestWrite_ShowsWhatIsKnown(t *testing.T) {
	page := write(t, testSite())
	for _, part := range []string{
		"<title>shop &amp; &lt;co&gt;: models</title>", `<article class="model" id="staging.stg_order">`, "One row per order.",
		"1234 rows", `<time datetime="2026-03-02T10:00:00Z">2026-03-02 10:00 UTC</time>`, "<li>newest wins</li>", "<li>one case</li>", "unique: order_id",
		`<tr id="staging.stg_order.order_id">`, `<a href="#raw_shop.orders.id">raw_shop.orders.<wbr>id</a>`, `<span title="identity">shop:order.<wbr>id</span>`,
		`<i class="k">select</i>`, `<i class="c">-- One row per item.</i>`, `<a href="#core.fct_item">core.fct_item_v2</a>`,
		"<a href=\"#raw_shop.items\">`raw_shop.items`</a>", ", core.unknown", `<i class="p">@as_of</i>`, `<i class="f">lower</i>`,
		"select &#39;a\\&#39; as x", "<li>report.rpt_elsewhere</li>",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("%q is not in the page", part)
		}
	}
}

func TestWrite_NeedsNoNetworkAndRunsNoText(t *testing.T) {
	page := write(t, testSite())
	if n := strings.Count(page, "<script"); n != 2 {
		t.Errorf("%d scripts", n)
	}
	if !strings.Contains(page, `default-src 'none'`) {
		t.Error("the page may load things")
	}
	for _, address := range regexp.MustCompile(`(?:src|href|url)\s*[=(]\s*["']?([^"'>) ]*)`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(address[1], "#") && !strings.HasPrefix(address[1], "box.") && !strings.HasPrefix(address[1], "=") {
			t.Errorf("the page names %q", address[0])
		}
	}
}

func TestWrite_LinksLeadToWhatIsInThePage(t *testing.T) {
	site := testSite()
	page := write(t, site)
	ids := map[string]bool{}
	for _, id := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if ids[id[1]] {
			t.Errorf("%s stands twice", id[1])
		}
		ids[id[1]] = true
	}
	links := regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1)
	for _, link := range links {
		if !ids[strings.TrimPrefix(link[1], "graph/")] {
			t.Errorf("a link leads to %s, which is not there", link[1])
		}
	}
	if len(links) < 20 {
		t.Errorf("%d links", len(links))
	}
}

func TestWrite_IsTheSameEveryTime(t *testing.T) {
	first := write(t, testSite())
	for range 5 {
		if write(t, testSite()) != first {
			t.Fatal("two pages of one project differ")
		}
	}
}

func TestWrite_TakesAProjectWithoutModels(t *testing.T) {
	if page := write(t, Site{Project: "empty"}); !strings.Contains(page, "0 models on 0 raw tables") {
		t.Error("the page of an empty project is odd")
	}
}

func TestLayers_AreInTheOrderOfWhatTheyRead(t *testing.T) {
	var names []string
	for _, l := range testSite().layers() {
		names = append(names, l.Name)
	}
	if got := strings.Join(names, " "); got != "staging core report" {
		t.Errorf("layers are %s", got)
	}
}

// bigSite has models that read up to three of those before them.
func bigSite(n int) Site {
	var s Site
	for i := range n {
		m := Model{Name: fmt.Sprintf("d%d.m%d", i%5, i), Dataset: fmt.Sprintf("d%d", i%5), Version: 1}
		for _, p := range []int{i - 1 - i%3, i / 2, i * 7 % (i + 1)} {
			if p >= 0 && p < i && !slices.ContainsFunc(m.Parents, func(l Link) bool { return l.Name == s.Models[p].Name }) {
				m.Parents = append(m.Parents, Link{Name: s.Models[p].Name, ID: s.Models[p].Name})
			}
		}
		s.Models = append(s.Models, m)
	}
	return s
}

func TestDraw_PutsEveryBoxRightOfWhatItReadsAndNoneOnAnother(t *testing.T) {
	for _, site := range []Site{testSite(), bigSite(1), bigSite(60), bigSite(300)} {
		d := draw(site, site.layers())
		if len(d.Boxes) != len(site.Models)+len(site.Sources) {
			t.Fatalf("%d boxes", len(d.Boxes))
		}
		edges := 0
		for _, m := range site.Models {
			edges += len(m.Parents)
		}
		if len(d.Lines) != edges {
			t.Errorf("%d lines of %d", len(d.Lines), edges)
		}
		for _, l := range d.Lines {
			if from, to := d.Boxes[l.From], d.Boxes[l.To]; from.X+from.W >= to.X {
				t.Errorf("%s at %d is not left of %s at %d", from.ID, from.X, to.ID, to.X)
			}
		}
		for i, a := range d.Boxes {
			if a.X < 0 || a.Y < 0 || a.X+a.W > d.Width || a.Y+a.H > d.Height {
				t.Errorf("%s is outside", a.ID)
			}
			for _, b := range d.Boxes[:i] {
				if a.X == b.X && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
					t.Errorf("%s lies on %s", a.ID, b.ID)
				}
			}
		}
	}
}

func TestDraw_OneThousandModelsAreQuick(t *testing.T) {
	site := bigSite(1000)
	start := time.Now()
	draw(site, site.layers())
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	} else {
		t.Log(took)
	}
}
