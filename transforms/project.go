package transforms

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// Project is a set of models and the raw tables below them.
type Project struct {
	Models []*Model        // enabled ones, ordered by dataset, name and version
	Raw    []schemas.Table // contracts whose raw tables models may name
	// Growing are the raw tables, e.g. raw_stripe.invoices, that may gain columns
	// before models are built: Validate takes their unknown columns for granted.
	Growing map[string]bool

	// History is what Engine.Graph gives a graph of the project for the selectors
	// state: and result:; it may be nil.
	History func(*Engine, *Graph) History

	byName   map[string]*Model // by every name that Model takes
	disabled map[string]string // address -> the model.yaml that switches it off
	retired  map[string]*Model // by address: versions whose deprecation date has come
	broken   map[string]bool   // addresses of models whose files could not be read

	replaced map[string]map[string]ColumnSettings // by address of a model of the project's own: the columns that the shipped one describes
}

// root is the folder that names of files start with.
const root = "sql"

// Names of a model's files.
const (
	queryFile  = "query.sql"
	configFile = "model.yaml"
	casesFile  = "cases.txtar"
	checksFile = "checks.sql"
	dataFile   = "data.csv"
)

var (
	datasetName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	modelFolder = regexp.MustCompile(`^([a-z][a-z0-9_]*)_v([1-9][0-9]{0,3})$`)
	versioned   = regexp.MustCompile(`_v[0-9]+$`)
)

// Load reads the models that ship with ripen and lays a project's own over
// them; both file systems start inside the sql folder, own may be nil. A folder
// of own with a query replaces the shipped folder of the same name as a whole;
// one without lays its settings over the shipped ones. A model.yaml with
// `enabled: false` switches a model off. All faults are returned together, each a
// *syntax.Diagnostic.
func Load(shipped, own fs.FS) (*Project, error) {
	project := &Project{
		Raw: schemas.Contracts(), disabled: map[string]string{}, retired: map[string]*Model{},
		broken: map[string]bool{}, replaced: map[string]map[string]ColumnSettings{},
	}
	folders, faults, err := readFolders(shipped, false)
	if err != nil {
		return nil, err
	}
	if own != nil {
		over, ownFaults, err := readFolders(own, true)
		if err != nil {
			return nil, err
		}
		faults = append(faults, ownFaults...)
		for address, folder := range over {
			project.replaced[address] = folder.replaces(folders[address])
			folders[address] = folder.over(folders[address])
		}
	}
	for _, address := range slices.Sorted(maps.Keys(folders)) {
		if folders[address].files == nil { // its fault is among those of reading
			project.broken[address] = true
			continue
		}
		model, err := folders[address].model()
		switch {
		case err != nil:
			faults = append(faults, err)
			project.broken[address] = true
		case model == nil:
			project.disabled[address] = folders[address].file(configFile)
		default:
			project.Models = append(project.Models, model)
		}
	}
	slices.SortFunc(project.Models, func(a, b *Model) int {
		return cmp.Or(cmp.Compare(a.Dataset, b.Dataset), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	project.index()
	return project, errors.Join(faults...)
}

// index finds the latest version of each model and all names.
func (p *Project) index() {
	p.byName = map[string]*Model{}
	for i, m := range p.Models {
		m.Latest = i+1 == len(p.Models) || p.Models[i+1].View() != m.View()
		p.byName[m.Address()], p.byName[m.String()] = m, m
	}
}

// Retire takes away the versions whose deprecation date has come at an instant:
// they are built no more, and what still reads one is a fault of its own.
func (p *Project) Retire(at time.Time) {
	p.Models = slices.DeleteFunc(p.Models, func(m *Model) bool {
		if m.Deprecated.IsZero() || at.Before(m.Deprecated) {
			return false
		}
		p.retired[m.Address()] = m
		return true
	})
	p.index()
}

// retirement is advice to readers of a version whose deprecation date has come;
// empty for every other name.
func (p *Project) retirement(name string) string {
	for _, address := range slices.Sorted(maps.Keys(p.retired)) {
		if m := p.retired[address]; name == address || name == m.View().String() {
			return fmt.Sprintf("%s ended on its deprecation_date, %s: read a newer version, or move the date in %s",
				address, m.Deprecated.Format(time.DateOnly), m.Config.Name)
		}
	}
	return ""
}

// Model finds a model by dataset.model (its latest version) or dataset.model_vN.
func (p *Project) Model(name string) (*Model, bool) {
	m, ok := p.byName[name]
	return m, ok
}

// folder is the folder of one model, with the text of its files.
type folder struct {
	dataset, base string
	own           bool
	files         map[string]string

	configured bool          // a project's settings lie over the shipped ones
	beneath    syntax.Source // then the shipped model.yaml below the project's
}

func (f *folder) file(name string) string { return path.Join(root, f.dataset, f.base, name) }

func (f *folder) source(name string) syntax.Source {
	return syntax.Source{Name: f.file(name), Text: f.files[name]}
}

// isBroken reports whether a table is a model whose files could not be read.
func (p *Project) isBroken(table string) bool {
	for address := range p.broken {
		if table == address || table == versioned.ReplaceAllString(address, "") {
			return true
		}
	}
	return false
}

// readFolders reads <dataset>/<model>_v<N>/*, by dataset.model_vN. A folder at
// fault has no files.
func readFolders(files fs.FS, own bool) (folders map[string]*folder, faults []error, err error) {
	folders = map[string]*folder{}
	datasets, err := fs.ReadDir(files, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return folders, nil, nil // a project without models of its own
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read models: %w", err)
	}
	for _, dataset := range datasets {
		if !dataset.IsDir() || strings.HasPrefix(dataset.Name(), ".") {
			continue
		}
		models, err := fs.ReadDir(files, dataset.Name())
		if err != nil {
			return nil, nil, fmt.Errorf("read models: %w", err)
		}
		for _, entry := range models {
			if !entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
				continue
			}
			f := &folder{dataset: dataset.Name(), base: entry.Name(), own: own, files: map[string]string{}}
			if err := f.read(files); err != nil {
				faults = append(faults, err)
				f.files = nil
			}
			folders[f.dataset+"."+f.base] = f
		}
	}
	return folders, faults, nil
}

func (f *folder) read(files fs.FS) error {
	if err := f.checkName(); err != nil {
		return err
	}
	dir := path.Join(f.dataset, f.base)
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return fmt.Errorf("read model: %w", err)
	}
	known := []string{queryFile, configFile, casesFile, checksFile, dataFile}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".md") {
			continue
		}
		if !slices.Contains(known, name) {
			return f.source(name).At(0, "a model has no such file", hint.DidYouMean(name, known))
		}
		text, err := fs.ReadFile(files, path.Join(dir, name))
		if err != nil {
			return fmt.Errorf("read model: %w", err)
		}
		// One kind of line end, so that a checkout on Windows neither changes
		// fingerprints nor columns of messages.
		f.files[name] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
	return nil
}

// checkName refuses names that a warehouse, or the versioned view of another
// model, would trip over.
func (f *folder) checkName() error {
	at := func(message, advice string) error {
		return syntax.Source{Name: path.Join(root, f.dataset, f.base)}.At(0, message, advice)
	}
	parts := modelFolder.FindStringSubmatch(f.base)
	switch {
	case !datasetName.MatchString(f.dataset):
		return at(fmt.Sprintf("%q is not a dataset name", f.dataset), "use lower-case letters, digits and underscores")
	case strings.HasPrefix(f.dataset, "raw_") || strings.HasPrefix(f.dataset, "ripen_"):
		return at(fmt.Sprintf("dataset %q is reserved: raw_… holds landed tables and ripen_… ripen's own", f.dataset), "choose another dataset")
	case parts == nil:
		return at(fmt.Sprintf("%q is not a model folder", f.base), "name it <model>_v<N> in lower case, e.g. fct_trial_v1")
	case versioned.MatchString(parts[1]):
		return at(fmt.Sprintf("model %q ends like a version", parts[1]), "a folder has one version, e.g. fct_trial_v2")
	}
	return nil
}

// seed is the query that data.csv amounts to.
func (f *folder) seed(config *config) (syntax.Source, error) {
	if query := f.source(queryFile); query.Text != "" {
		return query, query.At(0, "a seed has no query", "its rows are those of "+dataFile)
	}
	data := f.source(dataFile)
	if strings.TrimSpace(data.Text) == "" {
		return data, data.At(0, "the data is missing", "write a CSV file with a header")
	}
	return config.seed(data)
}

// model reads the folder; nil when it is switched off.
func (f *folder) model() (*Model, error) {
	config, err := f.config()
	if err != nil {
		return nil, err
	}
	if !config.enabled() {
		return nil, nil
	}
	parts := modelFolder.FindStringSubmatch(f.base)
	version, err := strconv.Atoi(parts[2])
	if err != nil {
		return nil, fmt.Errorf("read model %s: %w", f.base, err)
	}
	source := f.source(queryFile)
	if config.kind() == Seed {
		if source, err = f.seed(config); err != nil {
			return nil, err
		}
	} else if f.files[dataFile] != "" {
		return nil, f.source(dataFile).At(0, "only a seed has data", "write `materialized: seed` in "+configFile)
	}
	if strings.TrimSpace(source.Text) == "" {
		return nil, source.At(0, "the query is missing", "write it, or set `enabled: false` in "+configFile)
	}
	grain, err := grain(source)
	if err := errors.Join(err, config.validate()); err != nil {
		return nil, err
	}
	return &Model{
		Dataset: f.dataset, Name: parts[1], Version: version, Own: f.own, Configured: f.configured,
		Grain: grain, Description: config.Description, Owner: config.Owner,
		Tags: config.Tags, Key: config.Key, Order: config.order(), Columns: config.Columns,
		Contract: config.Contract, Checks: config.Checks, Kind: config.kind(), Incremental: config.Incremental,
		Snapshot: config.snapshot(), Deprecated: config.deprecated(), Sync: config.Sync, OwnChecks: f.source(checksFile),
		Source: source, Config: config.source, Cases: f.source(casesFile),
	}, nil
}
