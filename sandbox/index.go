package sandbox

type index struct{}
type bucket struct{}
