package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"path/filepath"

	"channelsync/cmd/channelsync/certificate"
	"channelsync/cmd/channelsync/config"
	"channelsync/handlers/health"
)

// certificates are those of a listener, which change while it serves.
type certificates interface {
	Config() *tls.Config
	Run(ctx context.Context)
	Check(ctx context.Context) (detail string, err error)
}

// openCertificates reads the certificates of both listeners, or gets ready to ask for one.
func (a *App) openCertificates(cfg config.Config) (err error) {
	log := a.opts.Log.Named("certificate")
	files := func(setting, cert, key string) (certificates, error) {
		f, err := certificate.NewFiles(certificate.FilesConfig{Cert: cert, Key: key, Log: log, Now: a.opts.Now})
		if err != nil {
			return nil, fmt.Errorf("--%s-cert and --%s-key: %w", setting, setting, err)
		}
		return f, nil
	}
	switch t := cfg.CallbackTLS; {
	case t.ACMEDomain != "":
		a.callbackCert = certificate.NewACME(certificate.ACMEConfig{
			Domain: t.ACMEDomain, Email: t.ACMEEmail, Directory: t.ACMEDirectory, Dir: filepath.Join(cfg.DataDir, "acme"),
			Log: log, Now: a.opts.Now,
		})
	case t.Cert != "":
		if a.callbackCert, err = files("callback-tls", t.Cert, t.Key); err != nil {
			return err
		}
	}
	if cfg.AdminTLSCert != "" {
		if a.adminCert, err = files("admin-tls", cfg.AdminTLSCert, cfg.AdminTLSKey); err != nil {
			return err
		}
	}
	return nil
}

// certificateChecks are what /readyz says of them.
func (a *App) certificateChecks() (checks []health.Check) {
	if a.callbackCert != nil {
		checks = append(checks, health.Check{Name: "callback certificate", Probe: a.callbackCert.Check})
	}
	if a.adminCert != nil {
		checks = append(checks, health.Check{Name: "admin certificate", Probe: a.adminCert.Check})
	}
	return checks
}
