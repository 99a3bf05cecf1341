package page

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
)

//go:embed static
var embedded embed.FS

// file is a file of the page, held in memory.
type file struct {
	contentType, etag string
	content           []byte
}

// contentTypes do not depend on the machine's /etc/mime.types.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// load returns the files by the path at which they are served.
func load() (map[string]file, error) {
	files := map[string]file{}
	entries, err := fs.ReadDir(embedded, "static")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		content, err := embedded.ReadFile(path.Join("static", e.Name()))
		if err != nil {
			return nil, err
		}
		f := file{contentTypes[path.Ext(e.Name())], fmt.Sprintf(`"%x"`, sha256.Sum256(content)), content}
		if _, _, err := mime.ParseMediaType(f.contentType); err != nil {
			return nil, fmt.Errorf("%s: no type for such a file: %w", e.Name(), err)
		}
		files["/"+e.Name()] = f
	}
	files["/"] = files["/index.html"]
	delete(files, "/index.html")
	return files, nil
}

// serve answers with the file, or that it has not changed. Browsers ask each time, so that
// after an upgrade they use no old files.
func (f file) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", f.etag)
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", f.contentType)
	_, _ = w.Write(f.content) // the client has gone, so there is no one to report to
}
