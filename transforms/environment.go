package transforms

import (
	"fmt"
	"regexp"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/warehouse"
)

// Environment is a set of views onto the tables that builds make. Production's
// views are dataset.model; those of another environment are
// dataset__environment.model. Environments share tables: one costs nothing until
// a model means something else in it.
type Environment string

// Production is what readers see.
const Production Environment = ""

var environmentName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// ParseEnvironment reads the name of an environment; prod, production and an empty name are Production.
func ParseEnvironment(name string) (Environment, error) {
	switch name {
	case "", "prod", "production":
		return Production, nil
	}
	if !environmentName.MatchString(name) {
		return Production, hint.New(fmt.Sprintf("%q is not the name of an environment", name),
			"use lower-case letters, digits and single underscores, e.g. dev_anna")
	}
	return Environment(name), nil
}

func (e Environment) String() string {
	if e == Production {
		return "production"
	}
	return string(e)
}

// View is where the environment shows what production shows as view.
func (e Environment) View(view warehouse.TableName) warehouse.TableName {
	if e != Production {
		view.Dataset += "__" + string(e)
	}
	return view
}

// Views are the views that show m in the environment.
func (e Environment) Views(m *Model) []warehouse.TableName {
	views := []warehouse.TableName{e.View(m.VersionView())}
	if m.Latest {
		views = append(views, e.View(m.View()))
	}
	return views
}
