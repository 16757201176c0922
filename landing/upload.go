package landing

import (
	"context"
	"errors"
	"io"
)

var errAborted = errors.New("run aborted")

// upload turns Bucket.Create inside out: the object is written between begin and
// finish, while Create waits in a goroutine of its own.
type upload struct {
	name    string
	out     *sink
	verdict chan error // what the write function of Create returns
	done    chan error // what Create returned
}

func beginUpload(ctx context.Context, bucket Bucket, name string) (*upload, error) {
	u := &upload{name: name, verdict: make(chan error, 1), done: make(chan error, 1)}
	ready := make(chan io.Writer, 1)
	go func() {
		u.done <- bucket.Create(ctx, name, func(w io.Writer) error {
			ready <- w
			return <-u.verdict
		})
	}()
	select {
	case w := <-ready:
		u.out = newSink(w)
		return u, nil
	case err := <-u.done:
		if err == nil {
			err = errors.New("create " + name + ": the bucket took it without its content")
		}
		return nil, err
	}
}

// finish publishes the object, unless err or an earlier write error forbids it.
// It must be called exactly once.
func (u *upload) finish(err error) error {
	if err == nil {
		err = u.out.err
	}
	u.verdict <- err
	if created := <-u.done; created != nil {
		return created
	}
	return err
}
