{{- /* The labels of every object of the chart. */ -}}
{{- define "codeupgrade.labels" -}}
app.kubernetes.io/name: codeupgrade
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* The operator's image: by its digest where one is given. */ -}}
{{- define "codeupgrade.image" -}}
{{- if .Values.image.digest -}}
{{ printf "%s@%s" .Values.image.repository .Values.image.digest | quote }}
{{- else -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
{{- end -}}
{{- end -}}

{{- /* What every pod of the chart may not. */ -}}
{{- define "codeupgrade.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "codeupgrade.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* A file of the chart with the chart's labels; in the release's namespace where `namespaced` says so. */ -}}
{{- define "codeupgrade.file" -}}
{{- $object := .root.Files.Get .path | fromYaml -}}
{{- $_ := set $object.metadata "labels" (include "codeupgrade.labels" .root | fromYaml) -}}
{{- if .namespaced }}{{ $_ := set $object.metadata "namespace" .root.Release.Namespace }}{{ end -}}
{{- with .annotations }}{{ $_ := set $object.metadata "annotations" . }}{{ end -}}
{{ toYaml $object }}
{{- end -}}
