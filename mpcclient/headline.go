package mpcclient

// rejected is the start of each headline about rejected credentials.
const rejected = "MPC rejects our credentials: "

// headlines say in a few words what is wrong and what an operator must do, by an answer's
// error_code, or else by the advice.
var headlines = map[string]string{
	adviceGrant:      "MPC does not permit the retry: grant " + PermissionRetry,
	adviceEndpoint:   "Something other than MPC answers: check MPC_ENDPOINT and MPC_PROJECT_ID",
	adviceAccount:    "The account is frozen, restricted or not verified: check it in the console",
	adviceAltered:    "MPC rejects the method or content type: check the proxy before MPC_ENDPOINT",
	adviceGateway:    "MPC's gateway is misconfigured: contact the vendor's support",
	adviceAddress:    "MPC's gateway refuses this machine's address: add it to the allow list",
	adviceRegion:     "The key or user is disabled, or not allowed in this region: check it in IAM",
	adviceNoAgency:   "This node has no agency: create one in IAM and choose it in the node's settings",
	adviceNoMetadata: "The node's metadata service gives no keys: check that 169.254.169.254 can be reached",
	"MPC.10208":      "MPC cannot verify the tenant: check MPC_PROJECT_ID",
	"MPC.10224":      "MPC's own agency has been deleted: authorize MPC again in its console",
	"MPC.10234":      "MPC has taken this function out of service: see the vendor's notices",
	"MPC.10244":      "The account's balance is used up: top it up",
	"APIG.0204":      "MPC's gateway does not support this TLS version: check the proxy before MPC_ENDPOINT",
	"APIG.0304":      "MPC does not permit the retry: grant " + PermissionRetry,
	"APIG.0306":      "MPC does not permit the retry: grant " + PermissionRetry,
	"APIG.0310":      "MPC_PROJECT_ID is not a project of these credentials: set the project's id",
	"APIG.0404":      "MPC's gateway denies access: contact the vendor's support",
	"APIG.0501":      "The calls bought at MPC's gateway are used up: raise that quota",
	"APIG.0502":      "The account is frozen or its balance is used up: top it up",
	"APIG.0607":      "MPC's gateway refuses the protocol: MPC_ENDPOINT must begin with https",
	"APIG.0612":      "MPC's gateway detected a request loop: check MPC_ENDPOINT",
}

// headline is empty if an operator need not act.
func headline(code, advice string) string {
	if text := headlines[gatewayCode(code)]; text != "" && advice != "" {
		return text
	}
	return headlines[advice]
}
