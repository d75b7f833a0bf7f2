{{- define "channelsync.fullname" -}}
{{- if contains "channelsync" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-channelsync" (.Release.Name | trunc 40 | trimSuffix "-") }}{{ end }}
{{- end }}

{{- define "channelsync.selector" -}}
app.kubernetes.io/name: channelsync
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "channelsync.labels" -}}
{{ include "channelsync.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "channelsync.image" -}}
{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "channelsync.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "channelsync.fullname" .) }}
{{- end }}

{{- /* The host of publicUrl, without a port. */ -}}
{{- define "channelsync.publicHost" -}}
{{ (urlParse .Values.publicUrl).hostname }}
{{- end }}

{{- define "channelsync.cluster" -}}
{{ if eq .Values.shape "cluster" }}true{{ end }}
{{- end }}

{{- /* What no single value can tell. Each line says what is wrong and what is wanted, as the settings of channelsync do. */ -}}
{{- define "channelsync.check" -}}
{{- $v := .Values -}}
{{- $nats := or $v.nats.servers $v.nats.serversSecret.secret -}}
{{- if and (eq $v.shape "embedded") $nats }}{{ fail "shape: got embedded with nats.servers, want shape cluster: the embedded NATS is in the process" }}{{ end }}
{{- if eq $v.shape "cluster" }}
  {{- if not $nats }}{{ fail "nats.servers: got nothing, want the servers of a NATS cluster with shape cluster" }}{{ end }}
  {{- if and $v.nats.servers $v.nats.serversSecret.secret }}{{ fail "nats.servers: got nats.serversSecret too, want one of them" }}{{ end }}
{{- end }}
{{- if ne (empty $v.notifyUrl.secret) (empty $v.notifySecret.secret) }}{{ fail "notifyUrl.secret: want notifySecret.secret too, or neither: what is posted is signed" }}{{ end }}
{{- if and $v.admin.tlsSecret $v.admin.plaintext }}{{ fail "admin.plaintext: got true with admin.tlsSecret, want one of them" }}{{ end }}
{{- if not (or $v.admin.tlsSecret $v.admin.plaintext) }}{{ fail "admin.tlsSecret: got nothing, want a Secret of type kubernetes.io/tls, or admin.plaintext=true: tokens cross the cluster's network in plain text then" }}{{ end }}
{{- if and (ne $v.callback.route "none") (not $v.publicUrl) }}{{ fail (printf "callback.route: got %s without publicUrl, want the https URL whose host it is for" $v.callback.route) }}{{ end }}
{{- if and (eq $v.callback.route "gateway") (not $v.callback.gateway.parentRefs) }}{{ fail "callback.gateway.parentRefs: got nothing, want the gateway that the HTTPRoute belongs to" }}{{ end }}
{{- if and $v.serviceMonitor.enabled $v.networkPolicy.enabled (not $v.networkPolicy.adminFrom) }}{{ fail "networkPolicy.adminFrom: got nothing with serviceMonitor.enabled, want the pods of Prometheus: it could not reach the metrics" }}{{ end }}
{{- end }}

{{- /* The variable of a setting. */ -}}
{{- define "channelsync.variable" -}}
CHANNELSYNC_{{ . | upper | replace "-" "_" }}
{{- end }}

{{- /* Every secret that is named: which Secret, which of its keys, and the file it becomes. */ -}}
{{- define "channelsync.secrets" -}}
{{- $v := .Values -}}
{{- range $file, $from := dict "master-key" $v.masterKey "admin-token" $v.adminToken "oidc-client-secret" $v.oidcClientSecret "notify-secret" $v.notifySecret "notify-url" $v.notifyUrl }}
  {{- if $from.secret }}
- { file: {{ $file }}, secret: {{ $from.secret }}, key: {{ $from.key }}, variable: {{ include "channelsync.variable" $file }}_FILE }
  {{- end }}
{{- end }}
{{- if include "channelsync.cluster" . }}
  {{- if $v.nats.serversSecret.secret }}
- { file: nats-url, secret: {{ $v.nats.serversSecret.secret }}, key: {{ $v.nats.serversSecret.key }}, variable: CHANNELSYNC_NATS_URL_FILE }
  {{- end }}
  {{- range $file, $from := dict "nats-creds" $v.nats.creds "nats-ca" $v.nats.ca }}
    {{- if $from.secret }}
- { file: {{ $file }}, secret: {{ $from.secret }}, key: {{ $from.key }}, variable: {{ include "channelsync.variable" $file }} }
    {{- end }}
  {{- end }}
{{- end }}
{{- $pairs := dict "admin-tls" $v.admin.tlsSecret "callback-tls" $v.callback.tlsSecret }}
{{- if include "channelsync.cluster" . }}{{ $_ := set $pairs "nats" $v.nats.clientTlsSecret }}{{ end }}
{{- range $name, $secret := $pairs }}
  {{- if $secret }}
- { file: {{ $name }}-cert, secret: {{ $secret }}, key: tls.crt, variable: {{ include "channelsync.variable" $name }}_CERT }
- { file: {{ $name }}-key, secret: {{ $secret }}, key: tls.key, variable: {{ include "channelsync.variable" $name }}_KEY }
  {{- end }}
{{- end }}
{{- end }}

{{- /* The store is in a directory of its own making: some volumes are mounted for everybody to write into. */ -}}
{{- define "channelsync.env" -}}
{{- $v := .Values -}}
{{- $settings := dict "callback-listen" ":8080" "admin-listen" ":8081" "data-dir" "/data/store" "log-format" "json" "channel-program-url" $v.channelProgramUrl }}
{{- if $v.publicUrl }}{{ $_ := set $settings "public-url" $v.publicUrl }}{{ end }}
{{- if $v.admin.url }}{{ $_ := set $settings "admin-url" $v.admin.url }}{{ end }}
{{- if $v.admin.plaintext }}{{ $_ := set $settings "admin-plaintext" "true" }}{{ end }}
{{- if $v.trustedProxies }}{{ $_ := set $settings "trusted-proxies" (join "," (concat (list "127.0.0.0/8" "::1") $v.trustedProxies)) }}{{ end }}
{{- if include "channelsync.cluster" . }}
  {{- if $v.nats.servers }}{{ $_ := set $settings "nats-url" (join "," $v.nats.servers) }}{{ end }}
  {{- $_ := set $settings "nats-replicas" $v.nats.replicas }}
  {{- if $v.nats.plaintext }}{{ $_ := set $settings "nats-plaintext" "true" }}{{ end }}
  {{- if $v.nats.domain }}{{ $_ := set $settings "nats-domain" $v.nats.domain }}{{ end }}
{{- end }}
{{- range $name, $value := merge (deepCopy $v.settings) $settings }}
- name: {{ include "channelsync.variable" $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- range include "channelsync.secrets" . | fromYamlArray }}
- name: {{ .variable }}
  value: /run/secrets/channelsync/{{ .file }}
{{- end }}
- name: GOMEMLIMIT
  value: {{ $v.goMemLimit | quote }}
{{- with $v.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "channelsync.pod" -}}
{{- $v := .Values -}}
{{- $secrets := include "channelsync.secrets" . | fromYamlArray -}}
{{- $scheme := ternary "HTTPS" "HTTP" (ne $v.admin.tlsSecret "") -}}
metadata:
  labels:
    {{- include "channelsync.labels" . | nindent 4 }}
    {{- with $v.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- with $v.podAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "channelsync.serviceAccount" . }}
  automountServiceAccountToken: false
  # Variables of Services are called like settings: CHANNELSYNC_ADMIN_PORT and so on.
  enableServiceLinks: false
  # Proxies learn within 5 s that it goes; then it ends requests under way and closes the store, within 20 s each.
  terminationGracePeriodSeconds: 60
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: { type: RuntimeDefault }
  {{- with $v.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $v.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if include "channelsync.cluster" . }}
  topologySpreadConstraints:
    {{- if $v.topologySpreadConstraints }}{{ toYaml $v.topologySpreadConstraints | nindent 4 }}
    {{- else }}{{ range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector: { matchLabels: { {{ include "channelsync.selector" $ | splitList "\n" | join ", " }} } }
      matchLabelKeys: [pod-template-hash]
    {{- end }}{{ end }}
  {{- end }}
  containers:
    - name: channelsync
      image: {{ include "channelsync.image" . }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      args: [serve]
      env: {{- include "channelsync.env" . | trim | nindent 8 }}
      ports:
        - { name: callback, containerPort: 8080 }
        - { name: admin, containerPort: 8081 }
      # The kubelet asks by the pod's address: these paths, and /metrics, answer to that whatever admin.url is.
      startupProbe: # a store of an older version may be rewritten at the start
        httpGet: { path: /livez, port: admin, scheme: {{ $scheme }} }
        periodSeconds: 2
        failureThreshold: 450
      livenessProbe:
        httpGet: { path: /livez, port: admin, scheme: {{ $scheme }} }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet: { path: /readyz, port: admin, scheme: {{ $scheme }} }
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 2
      # Callbacks go on arriving until every proxy has learnt that this pod goes.
      lifecycle: { preStop: { sleep: { seconds: 5 } } }
      resources: {{- toYaml $v.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      volumeMounts:
        - { name: data, mountPath: /data }
        - { name: secrets, mountPath: /run/secrets/channelsync, readOnly: true }
  volumes:
    {{- if include "channelsync.cluster" . }}
    - name: data # everything is in NATS
      emptyDir: { sizeLimit: 64Mi }
    {{- end }}
    - name: secrets # of root, and of fsGroup to read
      projected:
        defaultMode: 0440
        sources:
          {{- range $secrets }}
          - secret: { name: {{ .secret }}, items: [{ key: {{ .key }}, path: {{ .file }} }] }
          {{- end }}
{{- end }}
