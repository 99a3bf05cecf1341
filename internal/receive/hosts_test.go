package receive

import "testing"

func TestHostsAreComparedWhole(t *testing.T) {
	h := hosts{"smn.cn-north-4.myhuaweicloud.com:443", "*.example.com", "*.example.net:444", "127.0.0.1:8443", "localhost", "[::1]:443"}
	for url, ok := range map[string]bool{
		"https://smn.cn-north-4.myhuaweicloud.com/x.pem": true, "https://SMN.cn-north-4.myhuaweicloud.com:443/": true,
		"https://smn.cn-north-4.myhuaweicloud.com:8443/": false, "https://bucket.obs.cn-north-4.myhuaweicloud.com/": false,
		"https://a.example.com/": true, "https://example.com/": false, "https://.example.com/": false, "https://a.example.com.evil.org/": false,
		"https://a.example.net:444/": true, "https://a.example.net/": false, "https://example.net:444/": false, "https://.example.net:444/": false,
		"https://127.0.0.1:8443/": true, "https://127.0.0.1/": false, "https://localhost:1/": true, "https://[::1]/": true, "https://[::1]:8/": false,
		"https://localhost@evil.org/": false, "http://localhost/": false, "//localhost/": false, "https:///x": false, "https://%6cocalhost/": false, "https://localhost\\@evil.org/": false, "": false,
	} {
		if err := h.check(url); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
}
