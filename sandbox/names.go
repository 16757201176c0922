package sandbox

import "strings"

var (
	nameHeads = strings.Fields(`alder amber anchor arbor argent aspen atlas aurora beacon birch bluefin boreal bramble
		brass brook cedar cinder citrus cobalt copper coral crest cypress delta drift dune ember falcon fern
		flint gable garnet glacier granite harbor hazel heron indigo iron ivory juniper keel lark laurel linden
		lumen maple marble meadow mica mosaic nimbus north oak ochre onyx opal orchard osprey otter pebble pine
		plover quarry quartz quill raven reef ridge river rowan saffron sage sable sierra slate sparrow spruce
		stone summit swift tern thistle timber topaz tundra umber vale velvet verdant vesper violet walnut willow`)
	nameTails = strings.Fields(`field forge gate grove haven hill house lane light line loom mark mill mount peak
		point port post rise road rock root sail scape shore side smith span spring stead stream tide tower trail
		view wake ward watch wave way well wick wing wood works yard bridge cove craft crown`)
	nameForms = []string{"", " Labs", " Systems", " Group", " Software", " Partners", " Studio", " Logistics", " Health",
		" Analytics", " Robotics", " Energy", " Foods", " Retail", " Media", " Capital", " Digital", " Freight", " Bio", " Networks"}
	firstNames = strings.Fields(`Aisha Alex Amara Ana Anton Ben Carla Carlos Chen Chloe Daniel Diego Elena Emma Erik
		Fatima Felix Freya Grace Hana Hugo Ines Ivan Jack Jana Jonas Julia Kai Karin Keiko Lars Laura Leo Lina Lucas
		Maja Marco Maria Mateo Maya Mia Milan Mina Nadia Nils Noah Nora Olga Omar Oscar Paula Pedro Priya Rafael Rosa
		Ruben Sara Sofia Stefan Tariq Tess Theo Tomas Uma Vera Victor Wei Yara Yusuf Zoe`)
	lastNames = strings.Fields(`Adeyemi Almeida Andersen Bauer Becker Berg Bianchi Bishop Brandt Castro Chen Costa Cruz
		Dahl Dubois Egger Eriksen Farah Fischer Foster Garcia Gruber Haas Hansen Hoffmann Horvat Ito Jansen Johansson
		Kaya Keller Kim Kowalski Kumar Lang Larsen Lehmann Lindgren Lopez Maier Marino Martin Mbeki Meyer Moreau Nagy
		Nielsen Novak Okafor Olsen Ortiz Park Patel Petrov Quinn Ramos Reyes Rossi Sato Schmidt Silva Singh Smith
		Sorensen Tanaka Torres Ueda Vargas Virtanen Wagner Walker Weber Wong Yilmaz Zhang Zimmer`)
	titles = strings.Fields(`Operations_Manager Project_Manager Founder Head_of_Operations Product_Manager CTO
		Engineering_Manager Marketing_Manager Team_Lead Analyst Consultant Developer Designer COO VP_Operations
		Customer_Success_Manager IT_Administrator Program_Manager Director_of_Delivery Assistant`)
	freeMail      = []string{"gmail.com", "outlook.com", "yahoo.com", "hotmail.com", "icloud.com", "gmx.de", "proton.me"}
	sharedDomains = []string{"pixelcrew-agency.example", "brightside-agency.example", "northgate-university.example",
		"lakeside-college.example", "coworkhub.example", "venture-partners.example"}
	industries = []string{"Software", "Professional Services", "Manufacturing", "Healthcare", "Retail", "Education",
		"Finance", "Logistics", "Media", "Nonprofit"}
	industryFit  = []float64{0.5, 0.4, 0.1, -0.1, -0.2, -0.6, 0.2, 0.2, 0, -0.5}
	countries    = []string{"United States", "United Kingdom", "Germany", "France", "Netherlands", "Sweden", "Canada", "Brazil", "India", "Australia"}
	utcOffset    = []int64{-6, 0, 1, 1, 1, 1, -5, -3, 5, 10}
	channels     = []string{"organic_search", "paid_search", "paid_social", "referral", "content", "partner", "outbound", "product_review"}
	channelShare = []float64{0.26, 0.18, 0.14, 0.12, 0.12, 0.06, 0.05, 0.07}
	channelFit   = []float64{0.1, 0, -0.6, 0.6, 0, 0.5, 0.3, 0.3}
)

// nameBook gives every account a company name of its own.
type nameBook struct{ seed uint64 }

func newNameBook(seed uint64) nameBook { return nameBook{hash(seed, tagName, 0, 0)} }

// company is the name and the web domain of an account's company. Domains end
// in .example, which nobody can own; they are unique.
func (b nameBook) company(account uint32) (name, domain string) {
	combos := uint64(len(nameHeads) * len(nameTails) * len(nameForms))
	block, i := uint64(account)/combos, uint64(account)%combos
	// A multiplication by a number prime to combos walks all combinations in a scattered order.
	i = (i*1000003 + b.seed%combos) % combos
	head := nameHeads[i%uint64(len(nameHeads))]
	i /= uint64(len(nameHeads))
	tail := nameTails[i%uint64(len(nameTails))]
	form := nameForms[i/uint64(len(nameTails))]
	name = strings.ToUpper(head[:1]) + head[1:] + tail + form
	domain = head + tail + strings.ToLower(strings.Replace(form, " ", "-", 1))
	if block > 0 {
		suffix := string(rune('a'+(block-1)%26)) + strings.Repeat("x", int((block-1)/26))
		name += " " + strings.ToUpper(suffix)
		domain += "-" + suffix
	}
	return name, domain + ".example"
}
