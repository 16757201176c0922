// Package clouds links the drivers of s3:// and gs:// into the binary; package
// blob then opens such addresses. Only a command imports it: the drivers are
// large, and tests of extractors do without them.
//
// Credentials are the clouds' own: for S3 the environment (AWS_ACCESS_KEY_ID and
// so on), shared configuration files or the instance's role; for GCS the
// application default credentials. The query of an s3 address takes region,
// endpoint and use_path_style, among others; see gocloud.dev/blob/s3blob.
package clouds

import (
	_ "gocloud.dev/blob/gcsblob" // gs://
	_ "gocloud.dev/blob/s3blob"  // s3://
)
