package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"
)

// answer is what became of a request.
type answer struct {
	// code is "200", a status with Prometheus's error type, or what the client
	// saw instead of a status.
	code string
	// took is the time from the last byte of the request to the first of the
	// answer, or to when the client gave up.
	took time.Duration
	// fault says what the server may not do, "" if nothing.
	fault string
}

// giveUp is when a client no longer waits for an answer.
const giveUp = 15 * time.Second

func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 1, DisableCompression: true, ResponseHeaderTimeout: giveUp,
	}}
}

// maxURL is the length of parameters from which they are sent as a form.
const maxURL = 8_000

// send sends a request and reads the answer to its end. Long parameters are sent
// by POST, if the endpoint knows that.
func (a *attack) send(ctx context.Context, client *http.Client, req request, get bool) answer {
	var wrote, first time.Time
	cut := false // the server closed the connection before it had the request
	ctx, cancel := context.WithTimeout(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if cut = info.Err != nil; !cut {
				wrote = time.Now()
			}
		},
		GotFirstResponseByte: func() { first = time.Now() },
	}), 2*giveUp)
	defer cancel()
	form := req.form.Encode()
	get = get && len(form) < maxURL || strings.HasPrefix(req.path, "/api/v1/label/")
	method, target, body := http.MethodPost, req.path, form
	if get {
		method, target, body = http.MethodGet, req.path+"?"+form, ""
	}
	h, err := http.NewRequestWithContext(ctx, method, a.url+target, strings.NewReader(body))
	if err != nil {
		return answer{code: "client", fault: err.Error()}
	}
	if !get {
		h.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := client.Do(h)
	if err != nil {
		if cut && len(body) > 1<<20 {
			return answer{code: "refused"} // an early answer, which this client does not see
		}
		return a.unanswered(err, wrote)
	}
	defer resp.Body.Close()
	ans := answer{code: fmt.Sprint(resp.StatusCode)}
	// The server may answer before it has read a body that is too large.
	if !wrote.IsZero() && first.After(wrote) {
		ans.took = first.Sub(wrote)
	}
	if ans.took > a.latest {
		ans.fault = "late answer"
	}
	if resp.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if err != nil {
			return a.unanswered(err, wrote)
		}
		errorType, fault := checkError(resp, body)
		if errorType != "" {
			ans.code += " " + errorType
		}
		if ans.fault == "" {
			ans.fault = fault
		}
		return ans
	}
	// What goes wrong after the first bytes can only be said by an end too soon.
	if _, err := io.Copy(io.Discard, resp.Body); err != nil && a.ctx.Err() == nil && !a.dying {
		ans.code = "200 cut"
	}
	return ans
}

// unanswered is a request whose connection ended, or that nobody answered.
func (a *attack) unanswered(err error, wrote time.Time) answer {
	ans := answer{code: "closed"}
	if !wrote.IsZero() {
		ans.took = time.Since(wrote)
	}
	switch {
	case a.dying:
		ans.code, ans.took = "end", 0
	case a.ctx.Err() != nil:
		// The attack is over; who waits too long by then has waited too long.
		ans.code = "end"
		if ans.took > a.latest {
			ans.fault = "no answer"
		}
	case errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "timeout"):
		ans.code, ans.fault = "none", "no answer"
	default:
		ans.fault = "closed without an answer: " + strip(err)
	}
	return ans
}

// strip takes addresses out of network errors, so that equal ones are counted
// together.
func strip(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	return text
}

// plain are the statuses that the HTTP layer answers, without JSON.
var plain = map[int]bool{400: true, 404: true, 405: true, 408: true, 411: true, 413: true, 414: true, 415: true, 417: true, 429: true, 431: true, 501: true, 505: true}

// checkError says what is wrong with an answer that is none.
func checkError(resp *http.Response, body []byte) (errorType, fault string) {
	code := resp.StatusCode
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		// Overload is refused before anything is known of the request.
		if !plain[code] && code != http.StatusServiceUnavailable {
			return "", fmt.Sprintf("status %d without JSON", code)
		}
		errorType = "plain"
	} else {
		var parsed struct {
			Status    string `json:"status"`
			ErrorType string `json:"errorType"`
			Error     string `json:"error"`
		}
		if err := json.Unmarshal(body, &parsed); err != nil {
			return "", fmt.Sprintf("status %d with broken JSON: %v", code, err)
		}
		errorType = parsed.ErrorType
		if parsed.Status != "error" || errorType == "" || parsed.Error == "" {
			return errorType, fmt.Sprintf("status %d without an error in Prometheus's shape: %.100s", code, body)
		}
		if len(parsed.Error) > 64<<10 {
			return errorType, fmt.Sprintf("an error text of %d bytes", len(parsed.Error))
		}
	}
	if code >= 500 && code != http.StatusServiceUnavailable && !plain[code] {
		return errorType, fmt.Sprintf("status %d: %.200s", code, body)
	}
	overload := code == http.StatusTooManyRequests ||
		code == http.StatusServiceUnavailable && errorType != "timeout" && errorType != "canceled"
	if overload && resp.Header.Get("Retry-After") == "" {
		return errorType, fmt.Sprintf("status %d %s without Retry-After", code, errorType)
	}
	return errorType, ""
}
